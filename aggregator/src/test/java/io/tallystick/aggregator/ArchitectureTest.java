package io.tallystick.aggregator;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The structure of the aggregator, as rules. docs/architecture.md has the reasons. */
class ArchitectureTest {
    private static final String ROOT = "io.tallystick.aggregator";

    /** A package uses lower tiers and {@code common}, and nothing beside it. */
    private static final Map<String, Integer> TIERS = Map.ofEntries(
            Map.entry("app", 9),
            Map.entry("portal", 8),
            Map.entry("report", 7),
            Map.entry("awsapi", 7),
            Map.entry("entitlement", 6),
            Map.entry("billing", 6),
            Map.entry("usage", 5),
            Map.entry("lifecycle", 5),
            Map.entry("agreement", 4),
            Map.entry("enrollment", 4),
            Map.entry("catalog", 3),
            Map.entry("account", 2),
            Map.entry("audit", 1),
            Map.entry("job", 1),
            Map.entry("notice", 1),
            Map.entry("image", 1),
            Map.entry("signing", 1),
            Map.entry("db", 0),
            Map.entry("web", 0));

    /** Classes other than {@code db}'s that hold connections of their own: the ingest lanes, which are about just that. */
    private static final Set<String> MAY_HOLD_CONNECTIONS = Set.of(ROOT + ".usage.IngestLane");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);

    static Stream<String> packages() {
        return present().stream();
    }

    private static TreeSet<String> present() {
        TreeSet<String> names = new TreeSet<>();
        for (JavaClass javaClass : CLASSES) {
            String rest = javaClass.getPackageName().substring(ROOT.length());
            if (!rest.isEmpty()) {
                names.add(rest.substring(1).split("\\.", -1)[0]);
            }
        }
        return names;
    }

    @Test
    void everyPackageHasATier() {
        TreeSet<String> unknown = present();
        unknown.removeAll(TIERS.keySet());
        assertEquals(Set.of(), unknown);
    }

    @ParameterizedTest
    @MethodSource("packages")
    void aPackageUsesOnlyLowerTiers(String name) {
        String[] forbidden = TIERS.entrySet().stream()
                .filter(e -> !e.getKey().equals(name) && e.getValue() >= TIERS.getOrDefault(name, 0))
                .map(e -> ROOT + "." + e.getKey() + "..")
                .toArray(String[]::new);
        if (forbidden.length > 0) {
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + "." + name + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden)
                    .check(CLASSES);
        }
    }

    @Test
    void thereAreNoCycles() {
        slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void webStaysAtTheEdge() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..http..", ROOT + ".web..", ROOT + ".app..", ROOT + ".portal..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.vertx.ext.web..", "io.vertx.core.http..")
                .check(CLASSES);
    }

    @Test
    void featuresDoNotUseTheirHttp() {
        noClasses()
                .that()
                .resideOutsideOfPackages("..http..", ROOT + ".app..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + "..http..")
                .check(CLASSES);
    }

    @Test
    void rowsStayInStores() {
        noClasses()
                .that(describe("are not stores", c -> !isStore(c)))
                .and()
                .resideOutsideOfPackages(ROOT + ".db..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("io.vertx.sqlclient.Row")
                .check(CLASSES);
    }

    @Test
    void onlyDbOpensTransactions() {
        noClasses()
                .that(describe("do not hold connections of their own", c -> !MAY_HOLD_CONNECTIONS.contains(top(c))))
                .and()
                .resideOutsideOfPackages(ROOT + ".db..")
                .should()
                .dependOnClassesThat()
                .areAssignableTo("io.vertx.sqlclient.Pool")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo("io.vertx.sqlclient.Transaction")
                .check(CLASSES);
    }

    @Test
    void storesArePackagePrivate() {
        classes()
                .that(describe("are stores", c -> isStore(c) && c.isTopLevelClass()))
                .should()
                .notBePublic()
                .check(CLASSES);
    }

    /** Method references are accesses, too; {@code callMethod} would not see them. */
    @Test
    void timeAndChanceAreHandedIn() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + ".app..")
                .should()
                .accessTargetWhere(describe("reads a clock or makes chance of its own", ArchitectureTest::isAmbient))
                .check(CLASSES);
    }

    /** The rule above would be worth nothing if it missed one of these. */
    @Test
    void theClockRuleSeesCallsAndMethodReferences() {
        JavaClasses planted = new ClassFileImporter().importClasses(Planted.class);
        DescribedPredicate<JavaAccess<?>> ambient = describe("is ambient", ArchitectureTest::isAmbient);
        long found = planted.get(Planted.class).getAccessesFromSelf().stream()
                .filter(ambient)
                .count();
        assertEquals(4, found);
    }

    private static boolean isAmbient(JavaAccess<?> access) {
        String owner = access.getTargetOwner().getFullName();
        String name = access.getTarget().getName();
        return switch (name) {
            case "now" -> owner.startsWith("java.time.");
            case "currentTimeMillis", "nanoTime" -> owner.equals("java.lang.System");
            case "system", "systemUTC", "systemDefaultZone", "tickMillis", "tickSeconds" ->
                owner.equals("java.time.Clock");
            case "randomUUID" -> owner.equals("java.util.UUID");
            case "random" -> owner.equals("java.lang.Math");
            case "current" -> owner.equals("java.util.concurrent.ThreadLocalRandom");
            case "<init>" ->
                Set.of("java.util.Random", "java.util.Date", "java.security.SecureRandom")
                        .contains(owner);
            default -> false;
        };
    }

    private static boolean isStore(JavaClass javaClass) {
        return top(javaClass).endsWith("Store");
    }

    /** The name of the outermost class: lambdas and nested records belong to it. */
    private static String top(JavaClass javaClass) {
        String name = javaClass.getFullName();
        int nested = name.indexOf('$');
        return nested < 0 ? name : name.substring(0, nested);
    }

    /** Breaks the clock rule in every way the rule must see. */
    static final class Planted {
        final java.util.function.Supplier<java.time.Instant> reference = java.time.Instant::now;
        final java.util.Random random = new java.util.Random(1);

        long call() {
            return System.currentTimeMillis() + java.time.Clock.systemUTC().millis();
        }
    }

    static {
        // A rule about nothing must not pass.
        assertEquals(true, CLASSES.contain(ROOT + ".db.Transactor"));
        assertEquals(true, CLASSES.that(resideInAnyPackage(ROOT + "..")).size() > 50);
    }
}
