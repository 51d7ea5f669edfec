package io.tallystick.aggregator.db;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** V23: the rows it finds, and the statements that servers of the version before go on sending until they are replaced. */
class CopiesByRegionMigrationTest {
    private static final String HOME = "eu-west-1";
    private static final String PARIS = "eu-west-3";

    // What the version before sends, word for word.

    private static final String BEFORE_COPY =
            """
            INSERT INTO image_copy (token, version_id, cloud, region, source_image_id, name, status, requested_at)
            VALUES ($1, $2, $3, $4, $5, $6, 'requested', $7)
            """;
    private static final String BEFORE_PENDING =
            "UPDATE image_copy SET status = 'pending', image_id = $2 WHERE token = $1";
    private static final String BEFORE_AVAILABLE =
            "UPDATE image_copy SET status = 'available', available_at = $2 WHERE token = $1";
    private static final String BEFORE_SHARE =
            """
            INSERT INTO image_share (version_id, cloud_account_id, shared_at) SELECT $1, a, $3 FROM unnest($2::text[]) AS a
            ON CONFLICT ON CONSTRAINT image_share_pk DO NOTHING
            """;
    private static final String BEFORE_STEP =
            """
            INSERT INTO change_step (change_set_id, number, change_index, name, version_id, token)
            VALUES ($1, $2, $3, $4, $5, $6)
            """;
    private static final String BEFORE_VERSION =
            """
            UPDATE product_version SET product_id = $2, title = $3, software_version = $4, operating_system = $5,
                software_base = $6, release_notes = $7, usage_instructions = $8, cloud = $9, region = $10,
                source_image_id = $11, source_image_name = $12, copy_image_id = $13, status = $14, created_at = $15,
                modified_at = $16, published_at = $17, restricted_at = $18, unpublished_at = $19,
                recommended_instance_type = $20, delivery = $21, template_json = $22, package_url = $23,
                package_sha256 = $24
             WHERE id = $1
            """;

    // What this version sends.

    private static final String PUBLISHED =
            """
            UPDATE image_copy SET published_at = $2 WHERE version_id = $1 AND status = 'available' AND published_at IS NULL
            """;

    @RegisterExtension
    static final TestDatabase DB = TestDatabase.empty();

    @BeforeAll
    static void migrate() {
        migrateTo("22");
        DB.execute("INSERT INTO account (id, kind, name, pseudonym_key, created_at)"
                + " VALUES ('seller', 'seller', 'Seller', decode(repeat('00', 32), 'hex'), '2026-01-01T00:00Z')");
        DB.execute(
                """
                INSERT INTO product (id, product_code, title, seller_account_id, visibility, visibility_set_at,
                    evidence_level, late_limit_seconds, close_delay_seconds, flush_interval_seconds, created_at,
                    modified_at, type)
                VALUES ('product', 'code', 'Product', 'seller', 'PUBLIC', '2026-01-01T00:00Z', 'claimed', 3600, 0, 60,
                    '2026-01-01T00:00Z', '2026-01-01T00:00Z', 'image')
                """);
        aPublishedVersion();
        aRestrictedVersion();
        anUnpublishedVersion();
        aDraftOfAFailedSet();
        aPackage();
        aSetThatIsBeingApplied();
        aSetThatIsToMakeItsVersion();
        migrateTo("23");
    }

    /** It was tried once before, in vain. */
    private static void aPublishedVersion() {
        version("published", HOME, "status = 'published', copy_image_id = 'ami-1', published_at = '2026-03-01T10:00Z'");
        copy("published-failed", "published", HOME, "discarded", "'ami-0'");
        copy("published-copy", "published", HOME, "available", "'ami-1'");
        DB.execute("INSERT INTO image_share VALUES ('published', '111', '2026-03-01T10:00Z'),"
                + " ('published', '222', '2026-03-01T10:00Z')");
        set("published", "SUCCEEDED", "PublishVersion");
        steps("published", "copy", "available", "attach", "share", "publish");
    }

    private static void aRestrictedVersion() {
        version(
                "restricted",
                PARIS,
                "status = 'restricted', copy_image_id = 'ami-2', published_at = '2026-03-02T10:00Z',"
                        + " restricted_at = '2026-04-02T10:00Z'");
        copy("restricted-copy", "restricted", PARIS, "available", "'ami-2'");
        DB.execute("INSERT INTO image_share VALUES ('restricted', '111', '2026-03-02T10:00Z')");
        set("restricted", "SUCCEEDED", "RestrictVersion");
        steps("restricted", "deprecate", "restrict");
    }

    private static void anUnpublishedVersion() {
        version(
                "unpublished",
                PARIS,
                "status = 'unpublished', copy_image_id = 'ami-3', published_at = '2026-03-03T10:00Z',"
                        + " unpublished_at = '2026-04-03T10:00Z'");
        copy("unpublished-copy", "unpublished", PARIS, "deleted", "'ami-3'");
        set("unpublished", "SUCCEEDED", "UnpublishVersion");
        steps("unpublished", "delete", "unpublish");
    }

    private static void aDraftOfAFailedSet() {
        version("draft", HOME, "status = 'draft'");
        copy("draft-copy", "draft", HOME, "discarded", "'ami-4'");
        set("draft", "FAILED", "PublishVersion");
        steps("draft", "copy");
    }

    private static void aPackage() {
        version(
                "package",
                "",
                "source_image_id = '', status = 'published', published_at = '2026-03-05T10:00Z', delivery = 'package',"
                        + " package_url = 'https://example.com/p', package_sha256 = repeat('0', 64)");
        set("package", "SUCCEEDED", "PublishVersion");
        steps("package", "publish");
    }

    private static void aSetThatIsBeingApplied() {
        version("publishing", PARIS, "status = 'publishing'");
        copy("publishing-copy", "publishing", PARIS, "requested", "NULL");
        set("publishing", "APPLYING", "PublishVersion");
        steps("publishing", "copy", "available", "attach", "share", "publish");
    }

    private static void aSetThatIsToMakeItsVersion() {
        set("later", "APPLYING", "AddVersion");
        steps("later", "draft", "copy", "available", "attach", "share", "publish");
    }

    @Test
    void theCopyOfAPublishedVersionIsItsOwnSincePublication() {
        assertEquals(List.of(HOME + " " + HOME + " 2026-03-01 10:00"), copies("published-copy"));
        assertEquals(List.of(PARIS + " " + PARIS + " 2026-03-02 10:00"), copies("restricted-copy"));
        assertEquals(List.of(PARIS + " " + PARIS + " 2026-03-03 10:00"), copies("unpublished-copy"));
    }

    @Test
    void aCopyThatCameToNothingOrIsBeingMadeIsNoVersions() {
        assertEquals(List.of(HOME + " " + HOME + " never"), copies("published-failed"));
        assertEquals(List.of(HOME + " " + HOME + " never"), copies("draft-copy"));
        assertEquals(List.of(PARIS + " " + PARIS + " never"), copies("publishing-copy"));
    }

    @Test
    void sharesAreInTheRegionOfTheirVersion() {
        assertEquals(List.of(HOME + " 111", HOME + " 222"), shares("published"));
        assertEquals(List.of(PARIS + " 111"), shares("restricted"));
    }

    @Test
    void stepsAboutCopiesAreInTheRegionOfTheirVersionAndOthersInNone() {
        assertEquals(
                List.of("copy " + HOME, "available " + HOME, "attach " + HOME, "share " + HOME, "publish none"),
                regionsOfSteps("published"));
        assertEquals(List.of("deprecate " + PARIS, "restrict none"), regionsOfSteps("restricted"));
        assertEquals(List.of("delete " + PARIS, "unpublish none"), regionsOfSteps("unpublished"));
        assertEquals(List.of("copy " + HOME), regionsOfSteps("draft"));
        assertEquals(
                List.of("copy " + PARIS, "available " + PARIS, "attach " + PARIS, "share " + PARIS, "publish none"),
                regionsOfSteps("publishing"));
    }

    @Test
    void stepsAboutAVersionThatIsStillToBeMadeAreInNoRegionYet() {
        assertEquals(
                List.of("draft none", "copy none", "available none", "attach none", "share none", "publish none"),
                regionsOfSteps("later"));
    }

    @Test
    void aPackageGoesOnWithoutCopies() {
        assertEquals(List.of("published none"), statusAndCopy("package"));
        assertEquals(List.of("publish none"), regionsOfSteps("package"));
        assertEquals(List.of(), rows("SELECT token FROM image_copy WHERE version_id = 'package'"));
    }

    @Test
    void aCopyThatTheVersionBeforeAsksForStaysInItsRegion() {
        version("old-copy", PARIS, "status = 'publishing'");
        send(BEFORE_COPY, "'old-copy', 'old-copy', 'aws', '" + PARIS + "', 'ami-s', 'n', '2026-05-01T10:00Z'");
        assertEquals(List.of(PARIS + " " + PARIS + " never"), copies("old-copy"));
    }

    @Test
    void whatTheVersionBeforeSharesIsSharedOnceInTheRegionOfTheVersion() {
        version("old-share", PARIS, "status = 'publishing'");
        send(BEFORE_SHARE, "'old-share', '{111,222}', '2026-05-01T10:00Z'");
        send(BEFORE_SHARE, "'old-share', '{111,222}', '2026-05-01T11:00Z'");
        assertEquals(List.of(PARIS + " 111", PARIS + " 222"), shares("old-share"));
    }

    @Test
    void stepsThatTheVersionBeforePlansAreInTheRegionOfTheVersionOnceThereIsOne() {
        version("old-steps", PARIS, "status = 'draft'");
        set("old-steps", "APPLYING", "PublishVersion");
        send(BEFORE_STEP, "'old-steps', 1, 0, 'copy', 'old-steps', 'old-steps-1'");
        send(BEFORE_STEP, "'old-steps', 2, 0, 'publish', 'old-steps', 'old-steps-2'");
        send(BEFORE_STEP, "'old-steps', 3, 0, 'copy', 'old-steps-later', 'old-steps-3'");
        send(BEFORE_STEP, "'old-steps', 4, 0, 'withdraw', NULL, 'old-steps-4'");
        assertEquals(
                List.of("copy " + PARIS, "publish none", "copy none", "withdraw none"), regionsOfSteps("old-steps"));
    }

    @Test
    void whatTheVersionBeforePublishesIsPublishedHere() {
        version("old-publish", HOME, "status = 'publishing'");
        copy("old-publish-failed", "old-publish", HOME, "discarded", "'ami-10'");
        send(BEFORE_COPY, "'old-publish', 'old-publish', 'aws', '" + HOME + "', 'ami-s', 'n', '2026-05-01T10:00Z'");
        send(BEFORE_PENDING, "'old-publish', 'ami-11'");
        send(BEFORE_AVAILABLE, "'old-publish', '2026-05-01T10:30Z'");
        send(BEFORE_VERSION, before("old-publish", "'ami-11', 'published'", "'2026-05-01T11:00Z', NULL"));
        assertEquals(List.of(HOME + " " + HOME + " 2026-05-01 11:00"), copies("old-publish"));
        assertEquals(List.of(HOME + " " + HOME + " never"), copies("old-publish-failed"));
        assertEquals(List.of("published ami-11"), statusAndCopy("old-publish"));
    }

    @Test
    void whatIsPublishedHereIsPublishedForTheVersionBeforeToo() {
        version("new-publish", HOME, "status = 'publishing'");
        copy("new-publish-home", "new-publish", HOME, "available", "'ami-20'");
        copy("new-publish-paris", "new-publish", PARIS, "available", "'ami-21'");
        publish("new-publish");
        assertEquals(List.of("published ami-20"), statusAndCopy("new-publish"));

        send(
                BEFORE_VERSION,
                before("new-publish", "'ami-20', 'restricted'", "'2026-06-01T11:00Z', '2026-06-02T11:00Z'"));
        assertEquals(List.of("restricted ami-20"), statusAndCopy("new-publish"));
        assertEquals(List.of(HOME + " " + HOME + " 2026-06-01 11:00"), copies("new-publish-home"));
        assertEquals(List.of(PARIS + " " + PARIS + " 2026-06-01 11:00"), copies("new-publish-paris"));
    }

    @Test
    void aCopyInAnotherRegionOnlyIsNotTheOneThatTheVersionBeforeKnows() {
        version("new-elsewhere", HOME, "status = 'publishing'");
        copy("new-elsewhere", "new-elsewhere", PARIS, "available", "'ami-30'");
        publish("new-elsewhere");
        assertEquals(List.of("published none"), statusAndCopy("new-elsewhere"));
    }

    private static void migrateTo(String version) {
        DatabaseUrl url = DatabaseUrl.parse(DB.url());
        Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(url.jdbc(), url.user(), url.password().orElse(null))
                .locations("classpath:db/migration")
                .table(Migrations.HISTORY)
                .loggers("slf4j")
                .target(version)
                .load()
                .migrate();
    }

    /** @param more what differs from a draft of an image, as in an update */
    private static void version(String id, String region, String more) {
        DB.execute("INSERT INTO product_version (id, product_id, title, release_notes, cloud, region, source_image_id,"
                + " source_image_name, status, created_at, modified_at) VALUES ('" + id + "', 'product', '" + id
                + "', 'First.', 'aws', '" + region + "', 'ami-s', 'image', 'draft', '2026-02-01T00:00Z',"
                + " '2026-02-01T00:00Z')");
        DB.execute("UPDATE product_version SET " + more + " WHERE id = '" + id + "'");
    }

    private static void copy(String token, String version, String region, String status, String image) {
        DB.execute("INSERT INTO image_copy (token, version_id, cloud, region, source_image_id, name, image_id, status,"
                + " requested_at) VALUES ('" + token + "', '" + version + "', 'aws', '" + region + "', 'ami-s', 'n', "
                + image + ", '" + status + "', '2026-02-02T00:00Z')");
    }

    /** Of one change, which is about the version with the set's name. */
    private static void set(String id, String status, String type) {
        boolean failed = status.equals("FAILED");
        DB.execute("INSERT INTO change_set (id, account_id, status, requested_by, requested_at, ended_at, failure_code)"
                + " VALUES ('" + id + "', 'seller', '" + status + "', 'seller', '2026-02-02T00:00Z', "
                + (status.equals("APPLYING") ? "NULL" : "'2026-02-03T00:00Z'") + ", "
                + (failed ? "'SERVER_FAULT'" : "NULL") + ")");
        DB.execute("INSERT INTO change (change_set_id, index, type, product_id, version_id, details_json) VALUES ('"
                + id + "', 0, '" + type + "', 'product', '" + id + "', '{}')");
    }

    private static void steps(String set, String... names) {
        for (int i = 0; i < names.length; i++) {
            send(
                    BEFORE_STEP,
                    "'" + set + "', " + (i + 1) + ", 0, '" + names[i] + "', '" + set + "', '" + set + "-" + i + "'");
        }
    }

    /** As a server of this version does. */
    private static void publish(String version) {
        DB.execute("UPDATE product_version SET status = 'published', published_at = '2026-06-01T11:00Z' WHERE id = '"
                + version + "'");
        send(PUBLISHED, "'" + version + "', '2026-06-01T11:00Z'");
    }

    private static String before(String id, String copyAndStatus, String publishedAndRestricted) {
        return "'" + id + "', 'product', '" + id + "', NULL, NULL, NULL, 'First.', NULL, 'aws', '" + HOME
                + "', 'ami-s', 'image', " + copyAndStatus + ", '2026-02-01T00:00Z', '2026-05-01T11:00Z', "
                + publishedAndRestricted + ", NULL, NULL, 'image', NULL, NULL, NULL";
    }

    private static void send(String statement, String values) {
        DB.execute("PREPARE sent AS " + statement + "; EXECUTE sent (" + values + ")");
    }

    private static List<String> copies(String token) {
        return rows("SELECT source_region || ' ' || region || ' '"
                + " || coalesce(to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'never')"
                + " FROM image_copy WHERE token = '" + token + "'");
    }

    private static List<String> shares(String version) {
        return rows("SELECT region || ' ' || cloud_account_id FROM image_share WHERE version_id = '" + version
                + "' ORDER BY cloud_account_id");
    }

    private static List<String> regionsOfSteps(String set) {
        return rows("SELECT name || ' ' || coalesce(region, 'none') FROM change_step WHERE change_set_id = '" + set
                + "' ORDER BY number");
    }

    private static List<String> statusAndCopy(String version) {
        return rows("SELECT status || ' ' || coalesce(copy_image_id, 'none') FROM product_version WHERE id = '"
                + version + "'");
    }

    private static List<String> rows(String select) {
        List<String> rows = new ArrayList<>();
        try (Connection connection = DB.connect();
                Statement statement = connection.createStatement();
                ResultSet found = statement.executeQuery(select)) {
            while (found.next()) {
                rows.add(found.getString(1));
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
        return rows;
    }
}
