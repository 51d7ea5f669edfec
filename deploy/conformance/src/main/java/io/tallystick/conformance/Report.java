package io.tallystick.conformance;

import io.tallystick.common.json.Json;
import java.util.ArrayList;
import java.util.List;

/** What a run found, for people and for scripts. */
record Report(List<String> command, List<Result> results) {
    /** One scenario: passed where nothing was found. */
    record Result(String name, String promise, List<String> findings) {
        Result {
            findings = List.copyOf(findings);
        }

        boolean passed() {
            return findings.isEmpty();
        }
    }

    Report {
        command = List.copyOf(command);
        results = List.copyOf(results);
    }

    boolean passed() {
        return results.stream().allMatch(Result::passed);
    }

    String json() {
        List<Object> list = new ArrayList<>();
        results.forEach(r -> list.add(
                Json.object("name", r.name(), "promise", r.promise(), "passed", r.passed(), "findings", r.findings())));
        return Json.write(Json.object("passed", passed(), "command", command, "scenarios", list));
    }

    String text() {
        List<String> lines = new ArrayList<>();
        lines.add("Conformance of: " + String.join(" ", command));
        lines.add("");
        for (Result r : results) {
            lines.add((r.passed() ? "pass  " : "FAIL  ") + r.name() + ": " + r.promise());
            r.findings().forEach(f -> lines.add("        " + f));
        }
        lines.add("");
        long failed = results.stream().filter(r -> !r.passed()).count();
        lines.add(
                failed == 0
                        ? "The program passes all " + results.size() + " scenarios."
                        : failed + " of " + results.size() + " scenarios failed.");
        return String.join(System.lineSeparator(), lines);
    }
}
