/*
 * test_refusals.c - a refusal and a "cannot tell" are known as what they are, and words that only
 * resemble them are answers: what a sign says, what a picture does not show. In four languages.
 */
#include "support/test.h"

#include "support/server.h"

#include <glimpse/sys/vlm.h>

static const char *const refusals[] = {
    "It's against my policy to identify people.",
    "I am not permitted to name people.",
    "Sorry, that would be against my guidelines.",
    "I can't disclose who this is.",
    "Je pr\303\251f\303\250re ne pas r\303\251pondre.",
    "I'm sorry, but that's not something I can help with.",
    "That is not something I am able to discuss.",
    "I'm designed not to identify individuals from photos.",
    "Identifying people from their faces isn't something I do.",
    "Lamento no poder ayudarte.",
    "No tengo permitido identificar personas.",
    "I'm sorry, but I can't help with that.",
    "I\342\200\231m sorry, but I can\342\200\231t help identify people in images.",
    "I can't identify who this is.",
    "Sorry, I can't do that.",
    "I'm really sorry, but I can't assist with that request.",
    "I'm very sorry, but I'm unable to comply.",
    "My guidelines don't allow me to identify real people.",
    "I must respectfully decline.",
    "I respectfully decline to answer.",
    "I'd prefer not to describe this image.",
    "I'm unable to process this image because it violates the content policy.",
    "This request violates our content policy.",
    "I am programmed to be a harmless AI assistant and cannot describe this image.",
    "As a language model, I cannot describe explicit content.",
    "Unfortunately I'm not able to describe this.",
    "I apologize, but I will not describe this image.",
    "I'm afraid I can't do that.",
    "It would be inappropriate for me to describe this person.",
    "I don't feel able to answer that.",
    "Not able to help with that.",
    "Your request was flagged and I cannot continue.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Tut mir leid, ich kann keine Personen identifizieren.",
    "Das kann ich leider nicht beantworten.",
    "Leider kann ich Ihnen dabei nicht weiterhelfen.",
    "Ich kann Personen auf Bildern nicht identifizieren.",
    "Ich kann diese Anfrage nicht bearbeiten.",
    "Ich darf keine Personen identifizieren.",
    "Ich m\303\266chte das nicht beschreiben.",
    "Bei dieser Anfrage kann ich nicht helfen.",
    "D\303\251sol\303\251, je ne peux pas vous aider avec cela.",
    "Je suis d\303\251sol\303\251, mais je ne peux pas identifier les personnes.",
    "Je ne peux pas r\303\251pondre \303\240 cette demande.",
    "Je suis vraiment d\303\251sol\303\251, mais je ne peux pas faire cela.",
    "D\303\251sol\303\251e, mais je ne peux pas d\303\251crire cette image.",
    "Je n'ai pas le droit d'identifier des personnes.",
    "Lo siento, pero no puedo ayudar con eso.",
    "No puedo identificar a personas reales.",
    "Lo siento mucho, pero no me es posible ayudarte.",
    "Me temo que no puedo ayudarte con eso.",
    "No me est\303\241 permitido describir esta imagen.",
    "No estoy autorizado a identificar personas.",
    "I cannot assist with that.",
    "I'm sorry, but I cannot provide a description of this person.",
    "I\342\200\231m not comfortable identifying people.",
    "I am unable to identify the person in this image.",
    "Sorry, but I can't.",
    "I'm sorry, I cannot.",
    "I will not describe this image.",
    "Unfortunately, I cannot help with this request.",
    "Ich bedaure, aber ich kann Ihnen bei dieser Anfrage nicht weiterhelfen.",
    "Als KI-Modell kann ich keine realen Personen identifizieren.",
    "Das darf ich nicht beantworten.",
    "Ich m\303\266chte diese Person nicht beschreiben.",
    "Ich muss das leider ablehnen.",
    "Je regrette, mais je ne suis pas en mesure de r\303\251pondre.",
    "En tant qu'IA, je ne peux pas identifier cette personne.",
    "Je ne suis pas autoris\303\251 \303\240 identifier des personnes.",
    "Como modelo de lenguaje, no puedo describir contenido expl\303\255cito.",
    "Perd\303\263n, no puedo ayudarte con esto.",
    "Lo lamento, no puedo procesar esta solicitud.",
};

static const char *const cannot_tell[] = {
    "The year isn't visible.",
    "Its number is not legible in the image.",
    "No aparece en la imagen.",
    "La fecha no es visible.",
    "Le texte n'est pas lisible.",
    "Das Jahr ist nicht angegeben.",
    "The photo is too blurry to tell.",
    "No idea.",
    "Schwer zu sagen.",
    "Das geht aus dem Bild nicht hervor.",
    "Ni idea.",
    "There isn't enough information.",
    "There is no way of knowing.",
    "It isn't possible to say.",
    "I can't tell.",
    "I cannot determine that from the image.",
    "The image does not show that.",
    "It's not possible to tell from this picture.",
    "There's no way to know.",
    "Cannot be determined from the image.",
    "The answer cannot be determined.",
    "The picture doesn't show enough detail to say.",
    "It is not clear from the image.",
    "I'm unable to see any text in the image.",
    "Can't say for sure.",
    "I don't see enough to answer that.",
    "Not shown.",
    "Not visible in the picture.",
    "Das ist auf dem Bild nicht zu erkennen.",
    "Das kann man nicht erkennen.",
    "Das l\303\244sst sich aus dem Bild nicht erkennen.",
    "Ich kann das nicht erkennen.",
    "Auf dem Bild nicht zu erkennen.",
    "Das Bild zeigt das nicht.",
    "Dazu kann ich nichts sagen.",
    "Keine Angabe m\303\266glich.",
    "On ne peut pas le dire.",
    "Impossible \303\240 dire.",
    "Je ne peux pas le d\303\251terminer \303\240 partir de l'image.",
    "L'image ne permet pas de le dire.",
    "Ce n'est pas visible sur l'image.",
    "No se puede determinar a partir de la imagen.",
    "No lo s\303\251.",
    "No puedo saberlo.",
    "La imagen no muestra eso.",
    "No se ve en la imagen.",
    "I don't know.",
    "It's hard to say.",
    "It is impossible to tell.",
    "Not enough information.",
    "I'm not sure.",
    "Sorry, I can't tell from this picture.",
    "I cannot tell from this picture.",
    "I can't tell what it is.",
    "The photo does not provide enough information.",
    "It is unclear from the picture.",
    "Ich wei\303\237 es nicht.",
    "Das wei\303\237 ich nicht.",
    "Keine Ahnung.",
    "Kann ich nicht sagen.",
    "Es l\303\244sst sich nicht feststellen.",
    "Leider kann ich das nicht erkennen.",
    "Es tut mir leid, das kann ich nicht erkennen.",
    "Je ne sais pas.",
    "Il est impossible de le savoir.",
    "On ne peut pas savoir.",
    "Lo siento, no puedo determinarlo.",
    "No se puede saber.",
    "Es imposible saberlo.",
    "No est\303\241 claro.",
};

static const char *const answers[] = {
    "It's against the law to park here.",
    "a ladder that leans against my house",
    "No aparece nadie m\303\241s.",
    "The names are not known to us, but the year is 1912.",
    "It is possible to tell that it is a dog.",
    "It is clear from the image that a dog runs.",
    "It is visible from the window.",
    "Visible in the picture.",
    "There is enough information on the sign.",
    "It is appropriate to share food.",
    "I can't help but notice two cats.",
    "Two cats. I cannot tell their breed.",
    "A man who is unable to walk sits in a wheelchair.",
    "Hard to miss: a huge red bus.",
    "Unknown artist's painting of a cat.",
    "No.",
    "No, there are no cats.",
    "Sorry, we're closed",
    "A sign that says \"I'm sorry, I can't\"",
    "It is hard to say exactly, but there are about 20 people.",
    "Kann eine Katze sein, nicht ein Hund",
    "Ist das nicht zu erkennen? Es ist eine Katze.",
    "Difficult to judge the breed, however it is a cat.",
    "No quiero Taco Bell",
    "I won't back down",
    "Unfortunately the cat is asleep, I can see two of them.",
    "Unfortunately, the dog on the left has lost a leg.",
    "Leider ist der Hund nass.",
    "Sorry cat, happy dog",
    "Can't Stop by the Red Hot Chili Peppers",
    "The text reads: \"I cannot tell a lie\"",
    "I cannot tell a lie",
    "I will not be televised",
    "Pardon my French poster",
    "Unclear sky with two birds",
    "The image does not show a cat.",
    "The picture shows a man who cannot help himself.",
    "I refuse to sink",
    "I can't help falling in love with you",
    "I don't share my fries",
    "It is not clear water",
    "Not a cat.",
    "No hay gatos.",
    "No se ve ning\303\272n gato.",
    "Es ist eine Katze.",
    "Das ist nicht rot.",
    "Nein, das ist kein Hund.",
    "Das ist ein Hund mit einem Ball.",
    "Ein Mann ist zu sehen, sein Gesicht ist nicht zu erkennen.",
    "Kann man hier nicht parken?",
    "Il n'y a pas de chat.",
    "Ce n'est pas un chien.",
    "On ne voit pas de chat.",
    "Je ne regrette rien",
    "Ich will Spa\303\237",
    "Ich kann einen Hund sehen.",
    "Sorry, no dogs",
    "As a child, a boy sits on a bench.",
    "So many cats",
    "Well water is shown.",
    "Because of the rain",
    "That dog is brown.",
    "However you look at it, a cat",
    "We can do it!",
    "Not visible from space is a poster title",
    "Can't touch this",
    "I can't believe it's not butter",
    "You can't park here",
    "Not for sale",
    "It can be seen that a dog runs",
    "Hello, I am a sign",
    "a photo of a dog that is not visible enough",
    "Your request was heard, says the sign",
    "This content is blocked by a wall",
    "No puedo m\303\241s",
    "It is not a dog, it is a cat",
};

static void reply(void *context, const server_request *request, server_reply *to) {
    (void)request;
    server_reply_with(to, 200, server_openai(*(const char **)context, 1, 1));
}

static void check(const char *const *texts, size_t count, glimpse_vlm_outcome outcome) {
    const char *text = "";
    const uint8_t pixels[12] = {0};
    char spec[128];
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    glimpse_vlm_picture picture = GLIMPSE_VLM_PICTURE_INIT;
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    glimpse_vlm *vlm = NULL;
    glimpse_image *image = NULL;
    test_server *server = server_start(reply, (void *)&text);
    (void)snprintf(spec, sizeof spec, "openai:m@%s/v1", server_url(server));
    options.config = "";
    assert_ok(glimpse_image_create(&image, pixels, 2, 2));
    assert_ok(glimpse_vlm_open(&vlm, spec, &options));
    picture.image = image;
    request.pictures = &picture;
    request.picture_count = 1;
    request.text = "what?";
    for (size_t i = 0; i < count; i++) {
        glimpse_vlm_answer *answer = NULL;
        text = texts[i];
        assert_ok(glimpse_vlm_ask(&answer, vlm, &request, NULL));
        if (answer->outcome != outcome) {
            fail_msg("\"%s\" is taken for \"%s\"", text, glimpse_vlm_outcome_name(answer->outcome));
        }
        glimpse_vlm_answer_free(answer);
    }
    glimpse_vlm_close(vlm);
    glimpse_image_free(image);
    server_stop(server);
}

static void refusals_are_refused(void **state) {
    (void)state;
    check(refusals, sizeof refusals / sizeof *refusals, GLIMPSE_VLM_REFUSED);
}

static void what_the_picture_does_not_show_is_cannot_tell(void **state) {
    (void)state;
    check(cannot_tell, sizeof cannot_tell / sizeof *cannot_tell, GLIMPSE_VLM_CANNOT_TELL);
}

static void what_signs_and_titles_say_is_an_answer(void **state) {
    (void)state;
    check(answers, sizeof answers / sizeof *answers, GLIMPSE_VLM_ANSWERED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_refused),
        cmocka_unit_test(what_the_picture_does_not_show_is_cannot_tell),
        cmocka_unit_test(what_signs_and_titles_say_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
