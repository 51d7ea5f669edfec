package io.tallystick.agent.app;

import io.tallystick.agent.store.Leftover;
import io.tallystick.agent.store.StateFolder;
import io.tallystick.agent.store.Wipe;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "prepare-image",
        description = {
            "Removes from this VM what an image must not carry: the agent's key, its leases, usage and receipts, and"
                    + " the join code. Run it last, with the agent stopped and its usage sent; a VM launched from the"
                    + " image then begins as itself.",
            "The files are overwritten before they are removed. If this VM goes on afterwards, its agent makes a new"
                    + " key and is contested: its owner stops and starts it, or you keep the old state with --move-to,"
                    + " outside the image, and move it back."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:nothing is left that an image must not carry",
            "1:refused, nothing was changed: the agent runs, or usage is not sent yet",
            "64:wrong options or settings"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  systemctl stop tallystick-agent && tallystick-agent prepare-image --config /etc/tallystick/agent.conf",
            "  tallystick-agent prepare-image --state-dir /var/lib/tallystick-agent --dry-run --output json"
        })
final class PrepareImageCommand implements Callable<Integer> {
    private static final int REFUSED = 1;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(names = "--config", paramLabel = "FILE", description = "The agent's settings.")
    private @Nullable Path config;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Overrides one setting; may be repeated.")
    private List<String> settings = List.of();

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description = "Its state folder, instead of --config; a join-code.file is then not known, and stays.")
    private @Nullable Path stateDir;

    @Option(names = "--dry-run", description = "Says what would be removed, and changes nothing.")
    private boolean dryRun;

    @Option(names = "--force", description = "Removes usage that was not sent too: nobody will be billed for it.")
    private boolean force;

    @Option(
            names = "--move-to",
            paramLabel = "DIR",
            description = "Copies the state to this new folder first. It holds the agent's key: not in the image.")
    private @Nullable Path moveTo;

    @Option(names = "--output", paramLabel = "text|json", defaultValue = "text", description = "Default: text.")
    @SuppressWarnings("NullAway.Init")
    private Output output;

    /** What there is to remove. */
    private record Found(List<String> files, Leftover leftover) {}

    @Override
    public Integer call() throws IOException, SQLException {
        if ((stateDir == null) == (config == null && settings.isEmpty())) {
            throw new CommandLine.ParameterException(spec.commandLine(), "give either --config or --state-dir");
        }
        Optional<AgentConfig> c = stateDir != null ? Optional.empty() : Optional.of(settings());
        Path dir = (stateDir != null ? stateDir : c.orElseThrow().stateDir()).toAbsolutePath();
        Optional<Path> joinCode = c.flatMap(AgentConfig::joinCodeFile).filter(Files::exists);
        Found found = new Found(List.of(), Leftover.NONE);
        if (holdsState(dir)) {
            try (StateFolder folder = StateFolder.open(dir)) {
                found = look(folder);
                if (!found.leftover().isEmpty() && !force) {
                    return refuse(
                            "usage-unsent",
                            "not acknowledged: " + found.leftover().pendingSums() + " sums and "
                                    + found.leftover().unsentBatches()
                                    + " batches. Start the agent until its status shows an empty queue, or lose them"
                                    + " with --force.",
                            found);
                }
                if (!dryRun) {
                    if (moveTo != null) {
                        Wipe.copy(dir, moveTo);
                    }
                    Wipe.empty(dir);
                }
            } catch (Failure e) {
                if (e.code() != ErrorCode.CONFLICT) {
                    throw e;
                }
                return refuse("agent-running", e.detail() + ": stop it first", found);
            }
        }
        if (joinCode.isPresent() && !dryRun) {
            Wipe.file(joinCode.get());
        }
        report(dir, found, joinCode, c.flatMap(AgentConfig::token).isPresent());
        return 0;
    }

    private AgentConfig settings() throws IOException {
        ConfigFile file = config == null ? ConfigFile.empty() : ConfigFile.read(config);
        return AgentConfig.read(file.with(settings, Path.of("").toAbsolutePath()));
    }

    /** Whether there is anything; refuses a folder that no agent has used, as this removes all that is in it. */
    private static boolean holdsState(Path dir) throws IOException {
        if (!Files.isDirectory(dir)) {
            return false;
        }
        try (Stream<Path> files = Files.list(dir)) {
            if (files.findAny().isEmpty()) {
                return false;
            }
        }
        if (!StateFolder.isOne(dir)) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, dir + " is not the state folder of an agent");
        }
        return true;
    }

    private static Found look(StateFolder folder) throws IOException, SQLException {
        Leftover leftover = Leftover.of(folder.dir().resolve(StateFolder.DATABASE));
        for (String aside : folder.setAside()) {
            leftover = leftover.plus(Leftover.of(folder.dir().resolve(aside)));
        }
        List<String> files = new ArrayList<>();
        Wipe.files(folder.dir()).forEach(f -> files.add(f.toString()));
        return new Found(files, leftover);
    }

    private int refuse(String code, String detail, Found found) {
        if (output == Output.json) {
            println(spec.commandLine().getOut(), Json.write(document(found, "code", code, "detail", detail)));
        } else {
            println(spec.commandLine().getErr(), "refused: " + detail);
        }
        return REFUSED;
    }

    private void report(Path dir, Found found, Optional<Path> joinCode, boolean token) {
        List<String> files = new ArrayList<>();
        found.files().forEach(f -> files.add(dir.resolve(f).toString()));
        joinCode.ifPresent(j -> files.add(j.toString()));
        Found all = new Found(files, found.leftover());
        PrintWriter out = spec.commandLine().getOut();
        if (output == Output.json) {
            println(out, Json.write(document(all, "dryRun", dryRun, "movedTo", Objects.toString(moveTo, null))));
            return;
        }
        files.forEach(f -> println(out, (dryRun ? "would remove " : "removed ") + f));
        if (files.isEmpty()) {
            println(out, "nothing to remove");
        }
        if (token) {
            println(out, "note: token.file would be the same on every VM; let each make its own at its first start");
        }
        if (!dryRun) {
            println(out, "ready: make the image now, before the agent is started again");
        }
    }

    private static Object document(Found found, @Nullable Object... more) {
        var m = Json.object(
                "files",
                found.files(),
                "unsent",
                Json.object(
                        "pendingSums",
                        found.leftover().pendingSums(),
                        "unsentBatches",
                        found.leftover().unsentBatches()));
        m.putAll(Json.object(more));
        return m;
    }

    private static void println(PrintWriter out, String line) {
        out.println(line);
        out.flush();
    }
}
