package io.tallystick.agent.app;

import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "status",
        description = "Shows what the running agent knows. Exit code 0, or 2 if it cannot be reached.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
    @Mixin
    @SuppressWarnings("NullAway.Init")
    private LocalClient client;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--output", paramLabel = "text|json", defaultValue = "text", description = "Default: text.")
    @SuppressWarnings("NullAway.Init")
    private VerifyCommand.Output output;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        HttpReply reply;
        try {
            reply = client.call("GET", "/v1/status", null);
        } catch (IOException | IllegalArgumentException e) {
            spec.commandLine().getErr().println("the agent cannot be reached: " + e.getMessage());
            return 2;
        }
        if (reply.status() != 200) {
            spec.commandLine().getErr().println(LocalClient.problem(reply));
            return 2;
        }
        if (output == VerifyCommand.Output.json) {
            out.println(new String(reply.body(), StandardCharsets.UTF_8));
        } else {
            LocalClient.members(reply).forEach((name, value) -> print(out, "", name, value));
        }
        out.flush();
        return 0;
    }

    private static void print(PrintWriter out, String indent, String name, Object value) {
        if (value instanceof Map<?, ?> map) {
            out.println(indent + name + ":");
            map.forEach((k, v) -> print(out, indent + "  ", String.valueOf(k), v));
        } else if (value instanceof List<?> list) {
            out.println(indent + name + ": " + (list.isEmpty() ? "none" : ""));
            list.forEach(v -> out.println(indent + "  - " + (v instanceof String s ? s : Json.write(v))));
        } else {
            out.println(indent + name + ": " + value);
        }
    }
}
