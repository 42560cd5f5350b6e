# Completion of glimpse for bash. Install as /usr/share/bash-completion/completions/glimpse, or
# source it. Commands and options come from glimpse's own help, so they are never out of date.

_glimpse() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} command=${COMP_WORDS[1]} help words
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ] || { [ "$COMP_CWORD" = 2 ] && [ "$command" = help ]; }; then
        words=$("$program" --help 2>/dev/null | sed -n '/^Examples:/q; s/^  \([a-z]*\) .*/\1/p')
        [ "$COMP_CWORD" = 1 ] && words+=$'\nhelp\n--help\n--version'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    if [ "$command" = evaluate ] && [ "$COMP_CWORD" = 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "labels retrieval" -- "$current")
        return
    fi
    if { [ "$command" = tag ] || [ "$command" = album ]; } && [ "$COMP_CWORD" = 2 ]; then
        words="add remove list rename delete"
        [ "$command" = album ] && words+=" create show"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    if [ "$command" = pull ] && [[ $current != -* ]]; then
        words=$("$program" pull --json 2>/dev/null |
            grep -o '{"name":"[^"]*"' | sed 's/^{"name":"//; s/"$//')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    if [ "$command" = evaluate ] || [ "$command" = tag ] || [ "$command" = album ]; then
        help=$("$program" "$command" "${COMP_WORDS[2]}" --help 2>/dev/null) || return
    else
        help=$("$program" help "$command" 2>/dev/null) || return
    fi
    # models --compare A B: names like those behind --model.
    if [ "$command" = models ] && [[ " ${COMP_WORDS[*]} " == *" --compare "* ]] &&
        [[ $current != -* ]] && [[ $previous != --[hiq]* ]]; then
        previous=--model
    fi
    case $previous in
    --tag | --album)
        # Not by compgen, which would expand what is in a name.
        while IFS= read -r words; do
            [[ $words == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$words")")
        done < <("$program" "${previous#--}" list --json 2>/dev/null |
            grep -o '"name":"[^"\\]*"' | sed 's/^"name":"//; s/"$//')
        return
        ;;
    --model | -m | --default | --remove)
        words=$("$program" models --json 2>/dev/null |
            grep -o '"name":"[^"]*"' | sed 's/^"name":"//; s/"$//')
        mapfile -t COMPREPLY < <(
            compgen -W "$words" -- "$current"
            compgen -d -- "$current"
        )
        compopt -o filenames 2>/dev/null
        return
        ;;
    --*)
        # Values that the help lists: --precision auto|f32|bf16|int8
        words=$(sed -n "s/^ .*$previous \\([a-z0-9]*|[a-z0-9|]*\\)\$/\\1/p; s/^ .*$previous \\([a-z0-9]*|[a-z0-9|]*\\) .*/\\1/p" <<<"$help")
        if [ -n "$words" ]; then
            mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$current")
            return
        fi
        ;;
    esac
    if [[ $current == -* ]]; then
        words=$(sed -n 's/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p' <<<"$help")
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -F _glimpse glimpse
