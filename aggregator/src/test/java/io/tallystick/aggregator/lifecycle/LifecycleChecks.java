package io.tallystick.aggregator.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What must hold of the lifecycle's rows whenever no worker is in the middle of something. Checked after every test. */
final class LifecycleChecks {
    private static final Map<String, String> VIOLATIONS = Map.of(
            "a product is held by open change sets only",
            """
            SELECT l.product_id FROM change_lock l JOIN change_set s ON s.id = l.change_set_id
            WHERE s.status NOT IN ('PREPARING', 'APPLYING')""",
            "what can be launched has a copy, and no region has two",
            """
            SELECT v.id FROM product_version v LEFT JOIN image_copy c ON c.version_id = v.id AND c.status = 'available'
            WHERE v.status IN ('published', 'restricted') AND v.delivery <> 'package' GROUP BY v.id
            HAVING count(c.token) = 0 OR count(c.token) <> count(DISTINCT c.region)""",
            "a copy that is there is its version's, but for what an open change set makes",
            """
            SELECT c.token FROM image_copy c JOIN change_step t ON t.token = c.token
              JOIN change_set s ON s.id = t.change_set_id
            WHERE c.status = 'available' AND c.published_at IS NULL AND s.status <> 'APPLYING'""",
            "at a cloud that copies across regions, a published version is wherever its product is offered",
            """
            SELECT v.id || ' in ' || p.name FROM product_version v
              JOIN product_place p ON p.product_id = v.product_id AND p.cloud = v.cloud AND p.kind = 'region'
            WHERE v.cloud = 'aws' AND v.status = 'published' AND v.delivery <> 'package' AND p.restricted_at IS NULL
              AND NOT EXISTS (SELECT FROM image_copy c WHERE c.version_id = v.id AND c.region = p.name
                AND c.status = 'available' AND c.published_at IS NOT NULL)""",
            "what is unpublished has no copy, and nobody may launch it",
            """
            SELECT v.id FROM product_version v WHERE v.status = 'unpublished'
              AND (EXISTS (SELECT FROM image_copy c WHERE c.version_id = v.id AND c.status = 'available')
                OR EXISTS (SELECT FROM image_share s WHERE s.version_id = v.id))""",
            "a change set that succeeded has done all its steps",
            """
            SELECT s.id FROM change_set s JOIN change_step t ON t.change_set_id = s.id
            WHERE s.status = 'SUCCEEDED' AND t.done_at IS NULL""",
            "no rate prices what was restricted before it",
            """
            SELECT t.offer_id || ' ' || d.key FROM price_term t
              JOIN offer_rate r ON r.offer_id = t.offer_id AND r.rate = t.rate
              JOIN dimension d ON d.id = t.dimension_id
            WHERE r.created_at > d.restricted_at""",
            "a version is being published by an open change set only",
            """
            SELECT v.id FROM product_version v WHERE v.status = 'publishing' AND NOT EXISTS (
              SELECT FROM change c JOIN change_set s ON s.id = c.change_set_id
              WHERE c.version_id = v.id AND s.status = 'APPLYING')""");

    private LifecycleChecks() {}

    static void check(Connection connection) throws SQLException {
        List<String> broken = new ArrayList<>();
        for (Map.Entry<String, String> rule : VIOLATIONS.entrySet()) {
            try (ResultSet rows = connection.createStatement().executeQuery(rule.getValue())) {
                if (rows.next()) {
                    broken.add(rule.getKey() + ": " + rows.getString(1));
                }
            }
        }
        assertEquals(List.of(), broken);
    }
}
