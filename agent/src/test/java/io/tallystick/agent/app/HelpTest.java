package io.tallystick.agent.app;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What --help says can be typed. */
class HelpTest {
    private static String help(String... args) {
        StringWriter out = new StringWriter();
        PrintWriter writer = new PrintWriter(out);
        assertEquals(0, Main.execute(writer, writer, args));
        return out.toString();
    }

    @Test
    void everyCommandForScriptsHasExitCodesAndExamplesThatParse() {
        for (String command : List.of("verify", "meter", "status", "show-sent", "prepare-image")) {
            String help = help(command, "--help");
            assertTrue(help.contains("Exit codes:") && help.contains("Examples:"), help);
            assertTrue(help.contains("--output"), help);
            assertTrue(help.lines().allMatch(l -> l.length() <= 110), help);
        }
        List<String> examples = new ArrayList<>(examples(help("--help")));
        Main.commandLine().getSubcommands().forEach((name, c) -> examples.addAll(examples(help(name, "--help"))));
        assertTrue(examples.size() >= 10, examples::toString);
        for (String example : examples) {
            String[] args = Arrays.stream(example.replaceAll(" [|>] .*", "").split(" +"))
                    .skip(1)
                    .map(a -> a.replace("\"", ""))
                    .toArray(String[]::new);
            assertDoesNotThrow(() -> Main.commandLine().parseArgs(args), example);
        }
    }

    private static List<String> examples(String help) {
        int at = help.indexOf("Examples:");
        if (at < 0) {
            return List.of();
        }
        return help.substring(at)
                .replaceAll(" \\\\\\R *", " ")
                .lines()
                .flatMap(l -> Arrays.stream(l.split("&&|[()]")))
                .map(String::strip)
                .filter(l -> l.startsWith("tallystick-agent "))
                .toList();
    }

    @Test
    void bashCompletesCommandsAndOptions(@TempDir Path dir) throws Exception {
        Path script = Files.writeString(dir.resolve("completion"), help("generate-completion"));
        assertEquals("verify", complete(script, "tallystick-agent", "ver"));
        assertEquals("--issuer --issuer-keys", complete(script, "tallystick-agent", "verify", "--iss"));
        assertEquals("prepare-image", complete(script, "tallystick-agent", "prep"));
    }

    private static String complete(Path script, String... words) throws Exception {
        String bash = "source '" + script + "'; COMP_WORDS=(" + String.join(" ", words) + "); COMP_CWORD="
                + (words.length - 1) + "; COMP_LINE=\"${COMP_WORDS[*]}\"; _complete_tallystick-agent 2>&-; "
                + "printf '%s\\n' \"${COMPREPLY[@]}\" | sort -u";
        Process p =
                new ProcessBuilder("bash", "-c", bash).redirectErrorStream(true).start();
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), out);
        return String.join(" ", out.strip().split("\\s+"));
    }

    @Test
    void theRootHelpNamesEveryCommand() {
        CommandLine cli = Main.commandLine();
        String help = help("--help");
        cli.getSubcommands().keySet().forEach(name -> assertTrue(help.contains(name), name));
    }
}
