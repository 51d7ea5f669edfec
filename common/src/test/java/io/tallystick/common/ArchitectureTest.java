package io.tallystick.common;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.Clock;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What common may lean on: it runs in every customer's VM and inside every vendor's verifier. */
class ArchitectureTest {
    private static final JavaClasses COMMON = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.tallystick.common");

    /** Statics that read a clock or roll dice; the target is named, so method references count too. */
    private static final Map<Class<?>, Set<String>> AMBIENT = Map.of(
            System.class, Set.of("currentTimeMillis", "nanoTime"),
            UUID.class, Set.of("randomUUID"),
            Math.class, Set.of("random"),
            Clock.class,
                    Set.of("systemUTC", "systemDefaultZone", "system", "tickSeconds", "tickMinutes", "tickMillis"));

    @Test
    void common_depends_on_the_jdk_jackson_core_and_jspecify_only() {
        classes()
                .that()
                .resideInAPackage("io.tallystick.common..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "io.tallystick.common..",
                        "java..",
                        "com.fasterxml.jackson.core..",
                        "org.jspecify.annotations..")
                .check(COMMON);
    }

    @Test
    void only_the_json_package_knows_the_json_library() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.tallystick.common.json..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.fasterxml..")
                .check(COMMON);
    }

    @Test
    void time_and_chance_are_parameters() {
        noClasses()
                .should()
                .accessTargetWhere(new DescribedPredicate<JavaAccess<?>>("reads a clock or rolls dice by itself") {
                    @Override
                    public boolean test(JavaAccess<?> access) {
                        return isAmbient(access.getTarget());
                    }
                })
                .check(COMMON);
        noClasses().should().dependOnClassesThat().areAssignableTo(Random.class).check(COMMON);
    }

    private static boolean isAmbient(AccessTarget target) {
        boolean now = target.getName().equals("now")
                && target.getOwner().getPackageName().equals("java.time");
        return now
                || AMBIENT.entrySet().stream()
                        .anyMatch(e -> target.getOwner().isEquivalentTo(e.getKey())
                                && e.getValue().contains(target.getName()));
    }

    @Test
    void errors_lean_on_nothing_and_the_wire_is_leaned_on_by_nothing() {
        noClasses()
                .that()
                .resideInAPackage("io.tallystick.common.error..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.tallystick.common.json..",
                        "io.tallystick.common.model..",
                        "io.tallystick.common.jose..",
                        "io.tallystick.common.wire..",
                        "com.fasterxml..")
                .check(COMMON);
        noClasses()
                .that()
                .resideOutsideOfPackage("io.tallystick.common.wire..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.tallystick.common.wire..")
                .check(COMMON);
    }
}
