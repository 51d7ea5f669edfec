package io.tallystick.agent.app;

import io.tallystick.common.json.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "meter",
        description = "Reports usage to the running agent.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:kept, on the agent's disk",
            "1:refused, and the same will never be taken: the options are wrong",
            "2:not taken now, or not known whether it was: send it again later with the same --idempotency-key",
            "3:refused because this VM is not entitled; nothing was kept",
            "64:wrong options"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  tallystick-agent meter --dimension requests --quantity 12 --idempotency-key \"$ID\"",
            "  tallystick-agent meter --dimension storage-gib --quantity 0.5 --tag team=a --tag stage=test"
        })
final class MeterCommand implements Callable<Integer> {
    static final int KEPT = 0;
    static final int REFUSED = 1;
    static final int AGAIN = 2;
    static final int NOT_ENTITLED = 3;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private LocalClient client;

    @Option(names = "--dimension", paramLabel = "KEY", required = true, description = "What was used.")
    @SuppressWarnings("NullAway.Init")
    private String dimension;

    @Option(
            names = "--quantity",
            paramLabel = "NUMBER",
            required = true,
            description = "How much: a decimal such as 12 or 0.5.")
    @SuppressWarnings("NullAway.Init")
    private String quantity;

    @Option(
            names = "--timestamp",
            paramLabel = "TIME",
            description = "When, in UTC, such as 2026-11-21T20:00:00Z. Default: now.")
    private @Nullable String timestamp;

    @Option(
            names = "--idempotency-key",
            paramLabel = "TEXT",
            description = "Makes it safe to send the same again within 7 days.")
    private @Nullable String idempotencyKey;

    @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "Books the quantity under a tag; may be repeated.")
    private Map<String, String> tags = new LinkedHashMap<>();

    @Option(
            names = {"--product", "--product-code"},
            paramLabel = "CODE",
            description = "The product code; needed only on a VM that carries several.")
    private @Nullable String product;

    @Override
    public Integer call() {
        Object allocations =
                tags.isEmpty() ? null : List.of(Json.object("quantity", quantity, "tags", new LinkedHashMap<>(tags)));
        byte[] body = Json.writeBytes(Json.object(
                "dimension",
                dimension,
                "quantity",
                quantity,
                "timestamp",
                timestamp,
                "allocations",
                allocations,
                "idempotencyKey",
                idempotencyKey,
                "product",
                product));
        LocalClient.Said said = client.call("POST", "/v1/usage", body);
        int exit = exitCode(said);
        client.print(
                said,
                switch (exit) {
                    case KEPT -> said.status() == 202 ? "kept, sent once the VM is entitled" : "kept";
                    case AGAIN -> "not taken now: " + LocalClient.problem(said);
                    default -> "refused: " + LocalClient.problem(said);
                });
        return exit;
    }

    private static int exitCode(LocalClient.Said said) {
        if (said.ok()) {
            return KEPT;
        }
        if (!said.reached() || said.status() == 401 || said.status() == 429 || said.status() >= 500) {
            return AGAIN;
        }
        // "state" stands in the answer exactly where the decision is the reason.
        return said.members().containsKey("state") ? NOT_ENTITLED : REFUSED;
    }
}
