# What glimpse label writes, and glimpse evaluate.
target_sources(
  glimpse
  PRIVATE label_out.c
          label_out_json.c
          label_out_tree.c
          label_out_xmp.c
          xmp_out.c
          label_report.c
          label_report_html.c
          html_text.c
          table_in.c
          truth.c
          predictions.c
          captions.c
          cmd_evaluate.c
          cmd_evaluate_labels.c
          cmd_evaluate_retrieval.c
          evaluate_second.c)
