package io.tallystick.chaos.checker;

import java.math.BigDecimal;
import java.util.List;

/**
 * What the comparison came to, in records.
 *
 * @param acknowledged records that must be in the bill
 * @param inDoubt records that were sent, got no answer and were given up; each may be in the bill once or not
 * @param lines lines of the bill
 * @param billed the bill's sum
 * @param lost acknowledged and not billed
 * @param doubled billed more than once
 * @param phantom billed and never sent
 * @param offences the keys where it does not agree, for people
 */
public record Verdict(
        long acknowledged,
        long inDoubt,
        long lines,
        BigDecimal billed,
        long lost,
        long doubled,
        long phantom,
        List<String> offences) {
    private static final int OFFENCES_SHOWN = 20;

    public Verdict {
        offences = List.copyOf(offences);
    }

    public boolean clean() {
        return lost == 0 && doubled == 0 && phantom == 0 && offences.isEmpty();
    }

    @Override
    public String toString() {
        String figures = String.format(
                java.util.Locale.ROOT,
                "%,d acknowledged (%,d in doubt), %,d lines over %s: lost %d, double %d, phantom %d",
                acknowledged,
                inDoubt,
                lines,
                billed.toPlainString(),
                lost,
                doubled,
                phantom);
        StringBuilder text = new StringBuilder(figures);
        offences.stream().limit(OFFENCES_SHOWN).forEach(o -> text.append("\n  ").append(o));
        if (offences.size() > OFFENCES_SHOWN) {
            text.append("\n  and ").append(offences.size() - OFFENCES_SHOWN).append(" more");
        }
        return text.toString();
    }
}
