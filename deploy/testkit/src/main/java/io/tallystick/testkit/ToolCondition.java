package io.tallystick.testkit;

import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Skips, or fails when they are required, tests whose {@link NeedsTool} is not here. */
final class ToolCondition implements ExecutionCondition {
    /** How {@link NotRunSummary} knows our reasons from other people's. */
    static final String PREFIX = "missing tool: ";

    private static final String REQUIRE = "TALLYSTICK_REQUIRE";

    private final Predicate<String> present;
    private final Set<String> required;

    /** For JUnit. */
    ToolCondition() {
        this(ToolCondition::isHere, list(System.getenv(REQUIRE)));
    }

    ToolCondition(Predicate<String> present, Set<String> required) {
        this.present = present;
        this.required = required;
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        Optional<NeedsTool> needs =
                context.getElement().flatMap(e -> AnnotationSupport.findAnnotation(e, NeedsTool.class));
        return needs.map(n -> evaluate(Arrays.asList(n.value())))
                .orElseGet(() -> ConditionEvaluationResult.enabled("needs no tool"));
    }

    ConditionEvaluationResult evaluate(List<String> needed) {
        List<String> missing = needed.stream().filter(present.negate()).toList();
        if (missing.isEmpty()) {
            return ConditionEvaluationResult.enabled("all tools are here");
        }
        List<String> demanded = missing.stream().filter(required::contains).toList();
        if (!demanded.isEmpty()) {
            throw new IllegalStateException(
                    REQUIRE + " demands " + String.join(", ", demanded) + ", which this machine does not have");
        }
        return ConditionEvaluationResult.disabled(PREFIX + String.join(", ", missing));
    }

    static Set<String> list(@org.jspecify.annotations.Nullable String commas) {
        return commas == null
                ? Set.of()
                : Arrays.stream(commas.split(",", -1))
                        .map(String::strip)
                        .filter(s -> !s.isEmpty())
                        .collect(Collectors.toUnmodifiableSet());
    }

    private static boolean isHere(String tool) {
        boolean root = "root".equals(System.getProperty("user.name"));
        return switch (tool) {
            case "root" -> root;
            case "user" -> !root;
            case "ec2" -> System.getenv("TALLYSTICK_EC2_ENDPOINT") != null;
            case "advisories" -> System.getenv("TALLYSTICK_ADVISORIES") != null;
            default -> {
                String path = System.getenv("PATH");
                yield path != null
                        && Arrays.stream(path.split(File.pathSeparator, -1))
                                .anyMatch(folder -> new File(folder, tool).canExecute());
            }
        };
    }
}
