package io.tallystick.agent.app;

import io.tallystick.common.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "status",
        description = "Shows what the running agent knows: state, products, queue, quarantine, last trouble.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:shown", "2:the agent cannot be reached, or asks for a token", "64:wrong options"},
        footerHeading = "%nExamples:%n",
        footer = {"  tallystick-agent status", "  tallystick-agent status --output json | jq .queue"})
final class StatusCommand implements Callable<Integer> {
    @Mixin
    @SuppressWarnings("NullAway.Init")
    private LocalClient client;

    @Override
    public Integer call() {
        LocalClient.Said said = client.call("GET", "/v1/status", null);
        if (!said.ok()) {
            client.print(said, LocalClient.problem(said));
            return 2;
        }
        List<String> lines = new ArrayList<>();
        said.members().forEach((name, value) -> lines(lines, "", name, value));
        client.print(said, String.join(System.lineSeparator(), lines));
        return 0;
    }

    private static void lines(List<String> lines, String indent, String name, @Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            lines.add(indent + name + ":");
            map.forEach((k, v) -> lines(lines, indent + "  ", String.valueOf(k), v));
        } else if (value instanceof List<?> list) {
            lines.add(indent + name + ":" + (list.isEmpty() ? " none" : ""));
            list.forEach(v -> lines.add(indent + "  - " + (v instanceof String s ? s : Json.write(v))));
        } else {
            lines.add(indent + name + ": " + value);
        }
    }
}
