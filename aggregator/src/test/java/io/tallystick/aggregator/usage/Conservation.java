package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Promise R7, checked after every database test: evidence = usage hours = usage lines + not yet posted. The evidence
 * side ({@code audit rebuild}) has tests of its own; here is what SQL alone can tell.
 */
public final class Conservation {
    private static final Map<String, String> VIOLATIONS = Map.of(
            "each usage line up to a seller's last report is in exactly one report",
            """
            SELECT f.seller_id, f.lines, c.lines FROM (
              SELECT seller_id, sum(lines) AS lines, max(through_run) AS run, max(day) + 1 AS until
              FROM report_file WHERE kind = 'daily-business-usage-by-instance-type' GROUP BY seller_id) AS f
            CROSS JOIN LATERAL (
              SELECT count(*) AS lines FROM usage_line AS l JOIN product AS p ON p.id = l.product_id
              WHERE p.seller_account_id = f.seller_id AND l.run <= f.run
                AND l.hour < f.until::timestamp AT TIME ZONE 'UTC') AS c
            WHERE f.lines <> c.lines""",
            "usage lines of an hour add up to its posted",
            """
            SELECT u.hour, u.enrollment_id, u.dimension_id, u.posted, l.total
            FROM usage_hour AS u
            FULL JOIN (SELECT hour, enrollment_id, dimension_id, allocation, agreement_id, sum(quantity) AS total
                       FROM usage_line GROUP BY 1, 2, 3, 4, 5) AS l
              USING (hour, enrollment_id, dimension_id, allocation, agreement_id)
            WHERE coalesce(u.posted, 0) <> coalesce(l.total, 0)""",
            "an hour that is not dirty is posted whole",
            "SELECT * FROM usage_hour WHERE NOT dirty AND posted <> quantity",
            "an hour has one usage line, its first",
            """
            SELECT hour, enrollment_id, dimension_id, allocation, agreement_id, count(*) FILTER (WHERE kind = 'usage')
            FROM usage_line GROUP BY 1, 2, 3, 4, 5
            HAVING count(*) FILTER (WHERE kind = 'usage') <> 1
              OR min(ARRAY[run, line]) FILTER (WHERE kind = 'usage') <> min(ARRAY[run, line])""",
            "a finished run has the lines it says, numbered from 1 without holes",
            """
            SELECT r.run FROM posting_run AS r LEFT JOIN usage_line AS l USING (run) WHERE r.finished_at IS NOT NULL
            GROUP BY r.run, r.lines HAVING count(l.line) <> r.lines OR coalesce(max(l.line), 0) <> r.lines""",
            "booking times rise with run numbers",
            """
            SELECT run FROM (SELECT run, booked_at, lag(booked_at) OVER (ORDER BY run) AS before FROM posting_run) AS r
            WHERE booked_at <= before""",
            "a watermark stands on the last batch of its epoch",
            """
            SELECT w.enrollment_id FROM watermark AS w
            WHERE w.seq <> (SELECT coalesce(max(seq), 0) FROM (
                              SELECT seq FROM usage_batch AS b
                              WHERE b.enrollment_id = w.enrollment_id AND b.epoch = w.epoch
                              UNION ALL SELECT seq FROM archived_chain AS c
                              WHERE c.enrollment_id = w.enrollment_id AND c.epoch = w.epoch
                              UNION ALL SELECT to_seq FROM lost_range AS l
                              WHERE l.enrollment_id = w.enrollment_id AND l.to_epoch = w.epoch) AS s)""",
            "batches of an epoch are numbered from 1, or what is archived, without holes but what is lost, and once"
                    + " each",
            """
            SELECT g.enrollment_id, g.epoch FROM (
              SELECT b.enrollment_id, b.epoch, coalesce(c.seq, 0) AS archived, count(*) AS there, max(b.seq) AS last,
                count(DISTINCT b.seq) AS numbers
              FROM usage_batch AS b LEFT JOIN archived_chain AS c USING (enrollment_id, epoch)
              WHERE b.seq > coalesce(c.seq, 0) GROUP BY 1, 2, 3) AS g
            CROSS JOIN LATERAL (
              SELECT coalesce(sum(l.to_seq - greatest(CASE WHEN l.epoch = l.to_epoch THEN l.seq ELSE 0 END,
                                                      g.archived)), 0) AS lost
              FROM lost_range AS l WHERE l.enrollment_id = g.enrollment_id AND l.to_epoch = g.epoch
                AND l.to_seq > g.archived AND l.to_seq < g.last) AS l
            WHERE g.there + l.lost <> g.last - g.archived OR g.numbers <> g.there""",
            "what is quarantined belongs to a stored batch",
            """
            SELECT q.enrollment_id, q.epoch, q.seq FROM quarantined_record AS q
            WHERE NOT EXISTS (SELECT FROM usage_batch AS b WHERE b.enrollment_id = q.enrollment_id
                              AND b.epoch = q.epoch AND b.seq = q.seq)
              AND NOT EXISTS (SELECT FROM archived_chain AS c WHERE c.enrollment_id = q.enrollment_id
                              AND c.epoch = q.epoch AND c.seq >= q.seq)""",
            "as many uses of a join code are gone as enrollments it let in",
            """
            SELECT j.id FROM join_code AS j WHERE j.uses_max - j.uses_left
              <> (SELECT count(*) FROM join_code_use AS u WHERE u.join_code_id = j.id)""");

    private static final Map<String, String> SLOTS = Map.of(
            "the hour of a write-once record has usage, and a watermark that knows of such records",
            """
            SELECT s.enrollment_id, s.hour FROM hour_slot AS s JOIN watermark AS w USING (enrollment_id)
            WHERE NOT w.has_slots OR NOT EXISTS (
              SELECT FROM usage_hour AS u WHERE u.enrollment_id = s.enrollment_id
                AND u.dimension_id = s.dimension_id AND u.hour = s.hour)""");

    private static final Map<String, String> TAKEOVERS = Map.of(
            "a watermark is contended while another key is on trial, and only then",
            """
            SELECT w.enrollment_id FROM watermark AS w LEFT JOIN takeover AS t USING (enrollment_id)
            WHERE w.contended <> (t.enrollment_id IS NOT NULL)""",
            "a key that took over is known with its first epoch",
            """
            SELECT w.enrollment_id FROM watermark AS w JOIN chain_key AS other USING (enrollment_id)
            LEFT JOIN chain_key AS k ON k.enrollment_id = w.enrollment_id AND k.key = w.key
            WHERE k.first_epoch IS NULL OR k.first_epoch > w.epoch OR other.first_epoch > w.epoch""");

    private Conservation() {}

    public static void check(Connection connection) throws SQLException {
        check(connection, VIOLATIONS);
        check(connection, SLOTS);
        check(connection, TAKEOVERS);
    }

    /** Fails naming each rule whose query finds a row. */
    public static void check(Connection connection, Map<String, String> violations) throws SQLException {
        List<String> broken = new ArrayList<>();
        for (Map.Entry<String, String> rule : violations.entrySet()) {
            try (ResultSet rows = connection.createStatement().executeQuery(rule.getValue())) {
                if (rows.next()) {
                    broken.add(rule.getKey() + ": " + rows.getString(1));
                }
            }
        }
        assertEquals(List.of(), broken);
    }
}
