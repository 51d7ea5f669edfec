package io.tallystick.agent.app;

import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "meter",
        description =
                "Reports usage to the running agent. Exit code 0 once it is on disk, 1 if it was refused, 2 if the"
                        + " agent cannot be reached.",
        mixinStandardHelpOptions = true)
final class MeterCommand implements Callable<Integer> {
    @Mixin
    @SuppressWarnings("NullAway.Init")
    private LocalClient client;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--dimension", required = true, description = "What was used.")
    @SuppressWarnings("NullAway.Init")
    private String dimension;

    @Option(names = "--quantity", required = true, description = "How much: a decimal such as 12 or 0.5.")
    @SuppressWarnings("NullAway.Init")
    private String quantity;

    @Option(names = "--timestamp", description = "When, in UTC, such as 2026-11-21T20:00:00Z. Default: now.")
    private @Nullable String timestamp;

    @Option(names = "--idempotency-key", description = "Makes it safe to send the same again within 7 days.")
    private @Nullable String idempotencyKey;

    @Option(names = "--tag", paramLabel = "KEY=VALUE", description = "Books the quantity under a tag; may be repeated.")
    private Map<String, String> tags = new LinkedHashMap<>();

    @Option(names = "--product", description = "The product code; needed only on a VM that carries several.")
    private @Nullable String product;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
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
        HttpReply reply;
        try {
            reply = client.call("POST", "/v1/usage", body);
        } catch (IOException | IllegalArgumentException e) {
            err.println("the agent cannot be reached: " + e.getMessage());
            return 2;
        }
        if (reply.status() / 100 != 2) {
            err.println("refused: " + LocalClient.problem(reply));
            return 1;
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(reply.status() == 202 ? "kept, sent once the VM is entitled" : "kept");
        out.flush();
        return 0;
    }
}
