package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The main job, end to end, with the programs as they were just built. */
class StoryTest {
    /** Kept when the story fails: its logs say why. */
    private static final Path KEPT = Path.of("target", "story").toAbsolutePath();

    @Test
    void theStoryComesTrueAgainstRealProcesses() throws IOException {
        Programs programs = Programs.ofSystem();
        for (String module : List.of("agent", "aggregator", "deploy/cloudsim")) {
            assertIsNewest(programs.root().resolve(module));
        }
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        RunFolder folder = RunFolder.fresh(KEPT);
        out.println("playing the story in " + folder.path());
        try (folder) {
            Story.prepareClock(folder);
            try (Marketplace market = Marketplace.open(folder, programs, 0, Database::embedded, out::println)) {
                Story.whole().play(market, new Teller(out));
            }
            assertTrue(Leftovers.programs(folder.path()).isEmpty(), "nothing of the story runs on");
        }
        RunFolder.deleteTree(KEPT);
    }

    /** The story must not praise the jars of yesterday: `mvn test` alone does not make new ones. */
    private static void assertIsNewest(Path module) throws IOException {
        Path lib = module.resolve("target/app/lib");
        assertTrue(Files.isDirectory(lib), () -> "no " + lib + ": run the whole build, mvn verify");
        FileTime jar;
        try (Stream<Path> jars = Files.list(lib)) {
            String own = "tallystick-" + module.getFileName() + "-";
            jar = Files.getLastModifiedTime(
                    jars.filter(p -> p.getFileName().toString().startsWith(own))
                            .findFirst()
                            .orElseThrow());
        }
        try (Stream<Path> classes = Files.walk(module.resolve("target/classes"))) {
            for (Path p : classes.filter(Files::isRegularFile).toList()) {
                assertTrue(
                        Files.getLastModifiedTime(p).compareTo(jar) <= 0,
                        () -> p + " is newer than the jar in " + lib + ": run the whole build, mvn verify");
            }
        }
    }
}
