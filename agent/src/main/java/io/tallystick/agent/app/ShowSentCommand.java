package io.tallystick.agent.app;

import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "show-sent",
        description = {
            "Shows the usage that left this VM, or waits to: signed batches, newest first, each with the receipt.",
            "Besides these the agent sends the cloud's identity document with its public key at each start, and asks"
                    + " for leases with its state and version. Batches are kept 7 days after they were acknowledged, their"
                    + " receipts 400 days."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:shown", "2:the agent cannot be reached, or asks for a token", "64:wrong options"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  tallystick-agent show-sent --limit 5",
            "  tallystick-agent show-sent --limit 1000 --output json > what-left-my-vm.json"
        })
final class ShowSentCommand implements Callable<Integer> {
    private static final int PAGE = 50;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private LocalClient client;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "20", description = "Batches to show. Default: 20.")
    private int limit;

    @Override
    public Integer call() {
        if (limit < 1) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--limit must be at least 1");
        }
        List<Map<String, Object>> shown = new ArrayList<>();
        @Nullable Object next = "";
        while (shown.size() < limit && next != null) {
            String before = next.equals("") ? "" : "&before=" + next;
            LocalClient.Said said =
                    client.call("GET", "/v1/sent?limit=" + Math.min(PAGE, limit - shown.size()) + before, null);
            if (!said.ok()) {
                client.print(said, LocalClient.problem(said));
                return 2;
            }
            if (said.members().get("batches") instanceof List<?> batches) {
                batches.forEach(b -> shown.add(read((Map<?, ?>) b)));
            }
            next = said.members().get("next");
        }
        client.print(new LocalClient.Said(200, Json.object("batches", shown)), text(shown));
        return 0;
    }

    /** The batch as it came, with what its envelopes say beside them. */
    private static Map<String, Object> read(Map<?, ?> sent) {
        Map<String, Object> m = Json.object("epoch", sent.get("epoch"), "seq", sent.get("seq"));
        for (String name : List.of("cut", "acknowledged", "origin")) {
            if (sent.get(name) != null) {
                m.put(name, sent.get(name));
            }
        }
        try {
            if (sent.get("jws") instanceof String text) {
                Jws jws = Jws.parseCompact(text, Typ.BATCH);
                m.put("sha256", jws.hash().toString());
                m.put("records", Json.parseObject(jws.payload()).get("records"));
                m.put("jws", text);
            }
            if (sent.get("receipt") instanceof String text) {
                Map<String, Object> receipt =
                        Json.parseObject(Jws.parseCompact(text, Typ.RECEIPT).payload());
                receipt.put("jws", text);
                m.put("receipt", receipt);
            }
        } catch (Failure e) {
            m.put("unreadable", String.valueOf(e.getMessage()));
        }
        return m;
    }

    private static String text(List<Map<String, Object>> shown) {
        List<String> lines = new ArrayList<>();
        for (Map<String, Object> m : shown) {
            lines.add(m.get("epoch") + "." + m.get("seq") + " " + when(m));
            if (m.get("jws") instanceof String jws) {
                List<MeteringRecord> records =
                        Batch.parse(Jws.parseCompact(jws, Typ.BATCH).payload()).records();
                records.forEach(r -> lines.add("  " + record(r)));
                if (records.isEmpty()) {
                    lines.add("  no usage: a sign of life");
                }
            }
            if (m.get("receipt") instanceof Map<?, ?> receipt && receipt.get("jws") instanceof String jws) {
                for (Receipt.Refused r : Receipt.parse(
                                Jws.parseCompact(jws, Typ.RECEIPT).payload())
                        .refused()) {
                    lines.add("  not added up: record " + r.index() + ", " + r.code() + ": " + r.detail());
                }
            }
        }
        return lines.isEmpty() ? "nothing yet" : String.join(System.lineSeparator(), lines);
    }

    private static String when(Map<String, Object> m) {
        String cut = m.get("cut") == null ? "sent, no longer kept" : "signed " + m.get("cut");
        if (m.get("receipt") instanceof Map<?, ?> receipt) {
            return cut + ", received " + receipt.get("received");
        }
        return cut + (m.get("acknowledged") == null ? ", NOT RECEIVED YET" : "");
    }

    private static String record(MeteringRecord r) {
        StringBuilder line = new StringBuilder();
        line.append(r.dimension()).append(' ').append(r.quantity());
        line.append(r.minute() ? " in the minute " : " in the hour ")
                .append(r.time().truncatedTo(ChronoUnit.MINUTES));
        r.product().ifPresent(p -> line.append(" of ").append(p));
        r.allocations().forEach(a -> line.append("; ")
                .append(a.quantity())
                .append(' ')
                .append(a.tags().map()));
        return line.toString();
    }
}
