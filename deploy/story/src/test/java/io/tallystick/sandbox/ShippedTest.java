package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Other people's code that goes out with our programs: exactly what was looked at, named in the bill of materials. */
class ShippedTest {
    private static final Path ROOT = Path.of(System.getProperty("tallystick.root"));
    private static final String OURS = "tallystick-";
    /** As CycloneDX writes them; what has several may be used under any. */
    private static final Set<String> LICENCES = Set.of(
            "Apache-2.0",
            "MIT",
            "MIT-0",
            "0BSD",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "EPL-1.0",
            "EPL-2.0",
            "CC0-1.0",
            "Bouncy Castle Licence");

    /**
     * A registry that hands out other bytes under a known version is found here. After a dependency was changed on
     * purpose, {@code -Dtallystick.lock=write} writes the file anew, for review.
     */
    @ParameterizedTest
    @ValueSource(strings = {"agent", "aggregator"})
    void s21EveryShippedLibraryHasTheLockedBytes(String program) throws Exception {
        SortedMap<String, String> shipped = shipped(program);
        Path lock = ROOT.resolve("deploy").resolve(program + ".lock");
        StringBuilder lines = new StringBuilder();
        shipped.forEach(
                (name, hash) -> lines.append(hash).append("  ").append(name).append('\n'));
        if ("write".equals(System.getProperty("tallystick.lock"))) {
            Files.writeString(lock, lines);
        }
        assertEquals(Files.readString(lock), lines.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"agent", "aggregator"})
    void s21TheBillOfMaterialsNamesEveryShippedLibraryWithItsHashAndALicenceWeMayUse(String program) throws Exception {
        Map<String, Object> sbom =
                Json.parseObject(Files.readAllBytes(app(program).resolve("sbom.json")));
        assertEquals("CycloneDX", sbom.get("bomFormat"));
        Set<String> hashes = new TreeSet<>();
        Set<String> problems = new TreeSet<>();
        for (Map<?, ?> component : maps(sbom.get("components"))) {
            String name = component.get("group") + ":" + component.get("name");
            if (name.startsWith("io.tallystick:")) {
                continue;
            }
            maps(component.get("hashes")).stream()
                    .filter(h -> "SHA-256".equals(h.get("alg")))
                    .forEach(h -> hashes.add((String) h.get("content")));
            Set<String> licences = new TreeSet<>();
            for (Map<?, ?> each : maps(component.get("licenses"))) {
                if (each.get("license") instanceof Map<?, ?> l) {
                    licences.add(String.valueOf(l.get("id") != null ? l.get("id") : l.get("name")));
                } else {
                    licences.addAll(
                            List.of(String.valueOf(each.get("expression")).split(" OR ")));
                }
            }
            if (licences.stream().noneMatch(LICENCES::contains)) {
                problems.add(name + " " + licences);
            }
        }
        assertEquals(Set.of(), problems, "licences nobody looked at");
        assertEquals(new TreeSet<>(shipped(program).values()), hashes);
    }

    private static List<Map<?, ?>> maps(Object list) {
        return list instanceof List<?> l
                ? l.stream().<Map<?, ?>>map(e -> (Map<?, ?>) e).toList()
                : List.of();
    }

    private static Path app(String program) {
        return ROOT.resolve(program).resolve("target/app");
    }

    private static SortedMap<String, String> shipped(String program) throws IOException, GeneralSecurityException {
        SortedMap<String, String> found = new TreeMap<>();
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(app(program).resolve("lib"), "*.jar")) {
            for (Path jar : jars) {
                if (!jar.getFileName().toString().startsWith(OURS)) {
                    byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(jar));
                    found.put(jar.getFileName().toString(), HexFormat.of().formatHex(hash));
                }
            }
        }
        assertTrue(!found.isEmpty(), "no libraries in " + app(program));
        return found;
    }
}
