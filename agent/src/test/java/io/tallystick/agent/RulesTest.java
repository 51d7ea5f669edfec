package io.tallystick.agent;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** What no class of the agent may do. */
class RulesTest {
    private static final JavaClasses AGENT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.tallystick.agent");

    @Test
    void onlyTheCompositionRootReadsTheMachinesClock() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.tallystick.agent.app..")
                .should()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .callMethod(java.time.Clock.class, "systemUTC")
                .orShould()
                .callMethod(java.time.Clock.class, "systemDefaultZone")
                .orShould()
                .callMethod(java.util.UUID.class, "randomUUID")
                .because("time and chance come by constructor")
                .check(AGENT);
    }

    @Test
    void theAgentStaysLean() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.vertx..", "org.bouncycastle..", "com.fasterxml.jackson.databind..", "java.net.http..")
                .check(AGENT);
    }

    @Test
    void lowerPackagesDoNotKnowHigherOnes() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "io.tallystick.agent.store..", "io.tallystick.agent.clock..", "io.tallystick.agent.net..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.tallystick.agent.app..",
                        "io.tallystick.agent.api..",
                        "io.tallystick.agent.ship..",
                        "io.tallystick.agent.meter..",
                        "io.tallystick.agent.enroll..")
                .check(AGENT);
    }
}
