package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.portal.pages.JteproblemGenerated;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The page that tells a problem. */
final class Pages {
    private static final Logger LOG = LoggerFactory.getLogger(Pages.class);

    private Pages() {}

    /** Headlines are ours, by status; the sentence is the failure's where it is the visitor's to mend. */
    static void problem(
            Html html,
            RoutingContext ctx,
            int status,
            ErrorCode code,
            @Nullable Failure failure,
            String correlationId) {
        String key = "problem." + status;
        // What is not yours looks like what is not there, so nothing of the failure may tell them apart.
        List<String> details = failure == null || status >= 500 || status == 404 ? List.of() : sentences(failure);
        try {
            html.send(ctx, status, (output, page) -> {
                String title = page.messages().find(key).orElseGet(() -> page.t("problem.other"));
                JteproblemGenerated.render(output, null, page, title, details, correlationId);
            });
        } catch (RuntimeException e) {
            LOG.error("{} the problem page itself failed ({})", correlationId, code.wire(), e);
            ctx.response().setStatusCode(500).end();
        }
    }

    private static List<String> sentences(Failure failure) {
        return failure.problems().isEmpty()
                ? List.of(failure.detail())
                : failure.problems().stream().map(Failure.Problem::toString).toList();
    }
}
