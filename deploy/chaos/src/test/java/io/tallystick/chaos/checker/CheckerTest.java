package io.tallystick.chaos.checker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checker that finds nothing is worth nothing: doctored bills, and each is found out. */
class CheckerTest {
    private static final String HOUR = "2026-01-15T09:00:00Z";

    @TempDir
    Path folder = Path.of("");

    private final List<AckLog.Entry> entries = new ArrayList<>();
    private Path log = Path.of("");

    @BeforeEach
    void threeHundredRecordsInThreeKeys() {
        for (int i = 0; i < 300; i++) {
            entries.add(new AckLog.Entry(
                    AckLog.Fate.ACKNOWLEDGED, "r-" + i, "e" + i % 3, "alpha", HOUR, Checker.mark(i * 3)));
        }
        log = folder.resolve("acknowledged");
        try (AckLog l = new AckLog(log)) {
            l.add(entries);
            assertEquals(300, l.acknowledged());
        }
    }

    private static Billed line(int line, AckLog.Entry e, BigDecimal quantity) {
        return new Billed("1." + line, e.enrollment(), e.dimension(), e.hour(), quantity);
    }

    /** A right bill: a usage line over most of each key, and an adjustment over the rest. */
    private List<Billed> bill(List<AckLog.Entry> billed) {
        List<Billed> lines = new ArrayList<>();
        for (int key = 0; key < 3; key++) {
            String enrollment = "e" + key;
            List<AckLog.Entry> mine = billed.stream()
                    .filter(e -> e.enrollment().equals(enrollment))
                    .toList();
            BigDecimal sum = mine.stream().map(AckLog.Entry::quantity).reduce(BigDecimal.ZERO, BigDecimal::add);
            lines.add(line(key * 2 + 1, mine.get(0), sum.subtract(BigDecimal.TEN)));
            lines.add(line(key * 2 + 2, mine.get(0), BigDecimal.TEN));
        }
        return lines;
    }

    private List<AckLog.Entry> without(int index) {
        List<AckLog.Entry> less = new ArrayList<>(entries);
        less.remove(index);
        return less;
    }

    private static void assertCounts(Verdict v, long lost, long doubled, long phantom, String offence) {
        assertEquals(lost, v.lost(), v::toString);
        assertEquals(doubled, v.doubled(), v::toString);
        assertEquals(phantom, v.phantom(), v::toString);
        assertFalse(v.clean());
        assertTrue(v.offences().stream().anyMatch(o -> o.contains(offence)), v::toString);
    }

    @Test
    void aRightBillIsClean() {
        Verdict v = Checker.judge(log, bill(entries));
        assertTrue(v.clean(), v::toString);
        assertEquals(300, v.acknowledged());
        assertEquals(6, v.lines());
    }

    @Test
    void aMissingRecordIsFoundByName() {
        assertCounts(Checker.judge(log, bill(without(17))), 1, 0, 0, "record r-17");
    }

    @Test
    void aDoubledRecordIsFoundByName() {
        List<AckLog.Entry> more = new ArrayList<>(entries);
        more.add(entries.get(42));
        assertCounts(Checker.judge(log, bill(more)), 0, 1, 0, "record r-42");
    }

    @Test
    void aPhantomAmongOursIsNoDouble() {
        List<AckLog.Entry> more = new ArrayList<>(entries);
        AckLog.Entry first = entries.get(0);
        // No record of this key weighs that.
        more.add(new AckLog.Entry(
                first.fate(), "nobody's", first.enrollment(), first.dimension(), first.hour(), Checker.mark(1)));
        assertCounts(Checker.judge(log, bill(more)), 0, 0, 1, "phantom: e0 alpha");
    }

    @Test
    void aKeyNobodySentIsAPhantom() {
        List<Billed> lines = bill(entries);
        lines.add(new Billed("1.7", "e9", "alpha", HOUR, new BigDecimal("2.5")));
        assertCounts(Checker.judge(log, lines), 0, 0, 2, "phantom: e9 alpha");
    }

    @Test
    void aLostAndADoubledRecordOfOneKeyDoNotCancel() {
        List<AckLog.Entry> changed = without(0);
        changed.add(entries.get(3));
        assertCounts(Checker.judge(log, bill(changed)), 1, 1, 0, "one for another: e0");
    }

    @Test
    void aLineThatCameTwiceIsAnOffence() {
        List<Billed> lines = bill(entries);
        lines.add(lines.get(lines.size() - 1));
        assertFalse(Checker.judge(log, lines).clean());
    }

    @Test
    void aKeyThatIsMissingWholeIsLostWhole() {
        List<Billed> lines =
                bill(entries).stream().filter(l -> !l.enrollment().equals("e1")).toList();
        assertCounts(Checker.judge(log, lines), 100, 0, 0, "lost: e1");
    }

    @Test
    void aRecordInDoubtMayBeBilledOnceOrNotAtAllAndNoMore() {
        AckLog.Entry doubt = new AckLog.Entry(AckLog.Fate.IN_DOUBT, "d", "e0", "alpha", HOUR, Checker.mark(500));
        try (AckLog l = new AckLog(log)) {
            l.add(List.of(doubt));
        }
        assertTrue(Checker.judge(log, bill(entries)).clean());
        List<AckLog.Entry> more = new ArrayList<>(entries);
        more.add(doubt);
        assertTrue(Checker.judge(log, bill(more)).clean());
        more.add(doubt);
        assertFalse(Checker.judge(log, bill(more)).clean());
    }

    @Test
    void aPageIsReadByItsColumnNames() {
        String csv = "run,line,tags,enrollment,dimension,hour,quantity\n"
                + "7,1,\"{\"\"team\"\":\"\"a,b\"\"}\",e1,alpha,2026-01-15T09:00:00Z,12.000000345\n";
        assertEquals(
                List.of(new Billed("7.1", "e1", "alpha", HOUR, new BigDecimal("12.000000345"))),
                Pull.lines(csv.getBytes(StandardCharsets.UTF_8)));
        assertThrows(
                IllegalArgumentException.class,
                () -> Pull.lines("run,line\n1,".getBytes(StandardCharsets.UTF_8)),
                "cut off in the middle");
    }

    /** What is judged must not judge itself. */
    @Test
    void theCheckerSharesNoCodeWithWhatItJudges() {
        JavaClasses classes = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("io.tallystick.chaos.checker");
        ArchRuleDefinition.classes()
                .that()
                .resideInAPackage("io.tallystick.chaos.checker")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage("java..", "org.jspecify..", "io.tallystick.chaos.checker")
                .check(classes);
    }
}
