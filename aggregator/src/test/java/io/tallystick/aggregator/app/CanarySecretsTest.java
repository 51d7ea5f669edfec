package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import com.sun.net.httpserver.HttpServer;
import io.tallystick.aggregator.account.Tokens;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.aggregator.notice.Mail;
import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.config.ConfigReader;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.JoinCode;
import io.tallystick.testkit.Canaries;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Secrets are planted wherever this process holds any, and whatever it writes is searched for them: the log, answers that
 * are not meant to carry them, metrics, and the tables of the database. Each test is a way that one could get out.
 */
class CanarySecretsTest {
    private static final Canaries SECRETS = new Canaries();
    private static final Written LOG = new Written();

    private static final String DATABASE_PASSWORD = SECRETS.plant("database password", "kanarie-db:4f7+/Z9qxWv31mT");
    private static final String MAIL_PASSWORD = SECRETS.plant("mail password", "kanarie-mail 77Qe&bN0s=pL2xR");
    private static final String CLOUD_SECRET = SECRETS.plant("cloud secret key", "KANARIECLOUD0Q7T2M5N8B1V4C6X9Z3L0P");
    private static final String LENT_SECRET = SECRETS.plant("lent secret key", "KANARIELENT09V8U7T6S5R4Q3P2O1N0M9L8");
    private static final String USER_PASSWORD = SECRETS.plant("portal password", "kanarie user <Wq81> & so on");
    private static final String ACCOUNT = "999999999999";
    private static final AtomicInteger OWNERS = new AtomicInteger();
    /** Members of JSON that routes know, found in the document of this API. */
    private static final Pattern PROPERTY = Pattern.compile("(?m)^ +([A-Za-z][A-Za-z0-9_]{1,30}):");

    /** A cloud that refuses, repeating what it was sent. */
    private static final HttpServer CLOUD = cloud();
    /** A mail server that refuses, repeating what it was sent. */
    private static final ServerSocket MAIL = mail();

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(settings().toArray(String[]::new));

    private final List<String> answers = new ArrayList<>();
    private final String owner = "12%010d".formatted(OWNERS.incrementAndGet());
    private String seller = "";
    private String buyer = "";
    private String product = "";
    private String agreement = "";
    private String code = "";

    /** All that is logged: everything of ours, of others what the configuration in force lets through. */
    private static final class Written extends AppenderBase<ILoggingEvent> {
        private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();

        @Override
        protected void append(ILoggingEvent event) {
            String stack =
                    event.getThrowableProxy() == null ? "" : ThrowableProxyUtil.asString(event.getThrowableProxy());
            lines.add(
                    event.getLevel() + " " + event.getLoggerName() + " " + event.getFormattedMessage() + "\n" + stack);
        }
    }

    private static List<String> settings() {
        byte[] wrapping = new byte[Config.WRAPPING_KEY_BYTES];
        for (int i = 0; i < wrapping.length; i++) {
            wrapping[i] = (byte) (i * 37 + 11);
        }
        SECRETS.plant("wrapping key", wrapping);
        List<String> settings = new ArrayList<>(List.of(
                "keys.wrapping-key.file=" + file(Base64.getEncoder().encodeToString(wrapping)),
                "database.password.file=" + file(DATABASE_PASSWORD),
                "mail.smtp-host=127.0.0.1",
                "mail.smtp-port=" + MAIL.getLocalPort(),
                "mail.tls=none",
                "mail.from=no-reply@example.com",
                "mail.user=tallystick",
                "mail.password.file=" + file(MAIL_PASSWORD),
                "images.outscale.account=" + ACCOUNT,
                "images.outscale.key-file=" + file("KANARIEKEYID00000001\n" + CLOUD_SECRET),
                "images.outscale.endpoint=http://127.0.0.1:"
                        + CLOUD.getAddress().getPort()));
        for (String limit : List.of(
                "requests-per-address",
                "requests-per-caller",
                "requests-per-enrollment",
                "enrollments-per-address",
                "sign-ins-per-address")) {
            settings.add("limits." + limit + "=off");
        }
        return settings;
    }

    private static Path file(String text) {
        try {
            Path file = Files.createTempFile("canary", "");
            file.toFile().deleteOnExit();
            return Files.writeString(file, text + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static HttpServer cloud() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                try (exchange) {
                    String said = exchange.getRequestURI() + " "
                            + exchange.getRequestHeaders().entrySet() + " "
                            + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                    byte[] body = Json.writeBytes(Json.object(
                            "Errors",
                            List.of(Json.object("Type", "AccessDenied", "Code", "1", "Details", said)),
                            "ResponseContext",
                            Json.object("RequestId", said)));
                    exchange.getResponseHeaders().set("Content-Type", "application/json");
                    exchange.sendResponseHeaders(401, body.length);
                    exchange.getResponseBody().write(body);
                }
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ServerSocket mail() {
        try {
            ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
            Thread thread = new Thread(
                    () -> {
                        while (!server.isClosed()) {
                            try (Socket socket = server.accept()) {
                                converse(socket);
                            } catch (IOException e) {
                                // Closed by the client, or by the end of the tests.
                                continue;
                            }
                        }
                    },
                    "canary-mail");
            thread.setDaemon(true);
            thread.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void converse(Socket socket) throws IOException {
        PrintWriter out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.US_ASCII);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
        out.print("220 canary ESMTP\r\n");
        out.flush();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.startsWith("EHLO")) {
                out.print("250-canary\r\n250 AUTH PLAIN\r\n");
            } else {
                out.print("535 5.7.8 refused: " + line + "\r\n");
            }
            out.flush();
        }
    }

    @BeforeAll
    static void listen() {
        Logger root = root();
        LOG.setContext(root.getLoggerContext());
        LOG.start();
        root.addAppender(LOG);
        root.getLoggerContext().getLogger("io.tallystick").setLevel(Level.DEBUG);
        SECRETS.plant("API token", RUNNING.operator().substring("tks_".length()));
    }

    @AfterAll
    static void close() throws IOException {
        root().getLoggerContext().getLogger("io.tallystick").setLevel(null);
        root().detachAppender(LOG);
        CLOUD.stop(0);
        MAIL.close();
    }

    private static Logger root() {
        return (Logger) org.slf4j.LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    }

    @BeforeEach
    void aMarket() {
        seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        product = RUNNING.http()
                .post(
                        "/v1/products",
                        RUNNING.operator(),
                        Json.write(Json.object("title", "Gateway", "seller", seller, "evidenceLevel", "claimed")))
                .expect(201)
                .get("id");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        code = RUNNING.code(product);
        agreement = RUNNING.agreement(product, buyer);
    }

    @AfterEach
    void nothingWrittenHoldsASecret() throws SQLException {
        List<String> leaks = new ArrayList<>();
        answers.forEach(answer -> leaks.addAll(leak("an answer", answer)));
        leaks.addAll(leak(
                "the metrics", RUNNING.http().get("/metrics", null).expect(200).text()));
        for (String line = LOG.lines.poll(); line != null; line = LOG.lines.poll()) {
            leaks.addAll(leak("the log", line));
        }
        for (String row : rows()) {
            leaks.addAll(leak("the database", row));
        }
        assertEquals(List.of(), leaks);
    }

    private static List<String> leak(String where, String text) {
        return SECRETS.in(text).stream()
                .map(name -> "\n" + name + " in " + where + ": " + text.substring(0, Math.min(800, text.length())))
                .toList();
    }

    private static void assertNone(String where, String text) {
        assertEquals(List.of(), leak(where, text));
    }

    /** Every row of every table, as a dump would have it. */
    private static List<String> rows() throws SQLException {
        List<String> rows = new ArrayList<>();
        try (Connection db = RUNNING.database().connect();
                Statement statement = db.createStatement()) {
            List<String> tables = new ArrayList<>();
            try (ResultSet found = statement.executeQuery(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r',"
                            + " 'p')")) {
                while (found.next()) {
                    tables.add(found.getString(1));
                }
            }
            assertTrue(tables.contains("api_token"), tables::toString);
            for (String table : tables) {
                try (ResultSet found = statement.executeQuery("SELECT t::text FROM \"" + table + "\" t")) {
                    while (found.next()) {
                        rows.add(table + " " + found.getString(1));
                    }
                }
            }
        }
        return rows;
    }

    private Http.Answer seen(Http.Answer answer) {
        answers.add(answer.status() + " " + answer.headers().map() + "\n" + answer.text());
        return answer;
    }

    private String joinCode() {
        RUNNING.http()
                .post(
                        "/v1/accounts/" + buyer + "/cloud-accounts",
                        RUNNING.operator(),
                        Json.write(Json.object("cloud", "outscale", "accountId", owner)));
        String made = RUNNING.http()
                .post(
                        "/v1/join-codes",
                        RUNNING.operator(),
                        Json.write(Json.object("agreement", agreement, "cloudAccount", owner, "uses", 5)))
                .expect(201)
                .get("code");
        // What stands before the dot is its id, and no secret.
        SECRETS.plant("join code", made.substring(made.indexOf('.') + 1));
        return made;
    }

    private static Visitor signedIn(Role role, String account) {
        String email = "canary" + System.nanoTime() + "@example.com";
        Users.NewUser user = new Users.NewUser(email, role, Optional.ofNullable(account), Optional.of(USER_PASSWORD));
        Aggregator.await(RUNNING.running().wiring().users.create("test", user), Duration.ofSeconds(20));
        Visitor visitor = Visitor.signedIn(RUNNING.http(), email, USER_PASSWORD);
        SECRETS.plant("session", visitor.cookies().get("tallystick-session"));
        return visitor;
    }

    // --- ways out ----------------------------------------------------------------------------------------------------

    @Test
    void aSecretSentToTheWrongPlaceIsRepeatedByNoRoute() throws Exception {
        ProtocolClient agent = ProtocolClient.outscale(
                RUNNING.http(), RUNNING.clock(), owner, "i-0000ca01", List.of(code), Optional.of(joinCode()));
        Visitor visitor = signedIn(Role.OPERATOR, null);
        List<String> names = documentedNames();
        AtomicInteger turn = new AtomicInteger();
        int asked = 0;
        for (Route route : RUNNING.running().wiring().routes()) {
            String path = path(route, turn);
            Map<String, Object> body = new TreeMap<>();
            names.forEach(name -> body.put(name, next(turn)));
            if (route.access().isPage()) {
                // Pages show a form again with what was typed into it: that is for whoever typed it, the log is not.
                if (route.method().name().equals("GET")) {
                    visitor.get(path);
                } else if (!route.operationId().equals("signOut")) {
                    Map<String, String> form = new LinkedHashMap<>();
                    body.forEach((name, value) -> form.put(name, String.valueOf(value)));
                    form.put("csrf", visitor.csrf());
                    if (route.body() == Route.Body.UPLOAD) {
                        visitor.upload(path, form, Map.of("file", Json.writeBytes(body)));
                    } else {
                        visitor.post(path, form);
                    }
                }
            } else if (route.body() == Route.Body.JOSE) {
                Jws.Header header = Jws.Header.ownKey(
                        Typ.ENROLL,
                        ProtocolClient.ISSUER + route.path(),
                        agent.jwk(),
                        RUNNING.clock().instant());
                seen(agent.post(path, header, Json.writeBytes(body)));
                seen(agent.send(path, Json.writeBytes(body)));
            } else {
                String json = route.body() == Route.Body.JSON ? Json.write(body) : null;
                seen(RUNNING.http().send(route.method().name(), path, RUNNING.operator(), json));
                seen(RUNNING.http().send(route.method().name(), path, next(turn).replaceAll("[^!-~]", ""), json));
                if (json != null) {
                    // Cut off, so that the parser has to say where.
                    seen(RUNNING.http()
                            .send(
                                    route.method().name(),
                                    route.path().replaceAll("\\{.*?}", "x"),
                                    RUNNING.operator(),
                                    json.substring(0, json.length() - 9)));
                }
            }
            asked++;
        }
        assertTrue(asked > 80, "only " + asked + " routes");
        assertFalse(LOG.lines.isEmpty(), "the log is listened to");
    }

    private static String next(AtomicInteger turn) {
        List<String> all = SECRETS.texts();
        return all.get(turn.getAndIncrement() % all.size());
    }

    private static String path(Route route, AtomicInteger turn) {
        String path = route.path();
        for (int from = path.indexOf('{'); from >= 0; from = path.indexOf('{')) {
            path = path.substring(0, from) + encoded(next(turn)) + path.substring(path.indexOf('}', from) + 1);
        }
        StringBuilder query = new StringBuilder();
        for (String name : new TreeSet<>(route.queryParameters())) {
            query.append(query.length() == 0 ? '?' : '&')
                    .append(name)
                    .append('=')
                    .append(encoded(next(turn)));
        }
        return path + query;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static List<String> documentedNames() throws IOException {
        Path file = Path.of(System.getProperty("tallystick.root")).resolve("docs/openapi.yaml");
        TreeSet<String> names = new TreeSet<>(List.of("nobodyKnowsThisMember"));
        Matcher m = PROPERTY.matcher(Files.readString(file));
        while (m.find()) {
            names.add(m.group(1));
        }
        return List.copyOf(names);
    }

    @Test
    void aFaultOfOurOwnWhileASecretIsWorkedOnIsLoggedWithoutIt() {
        String joinCode = joinCode();
        ProtocolClient agent = ProtocolClient.outscale(
                RUNNING.http(), RUNNING.clock(), owner, "i-0000ca02", List.of(code), Optional.of(joinCode));
        Visitor visitor = signedIn(Role.BUYER, buyer);
        for (String table :
                List.of("api_token", "join_code", "cloud_key", "portal_session", "app_user", "audit_event")) {
            RUNNING.database().execute("ALTER TABLE " + table + " RENAME TO hidden");
            try {
                List<Integer> statuses = new ArrayList<>();
                statuses.add(seen(RUNNING.http().get("/v1/accounts", RUNNING.operator()))
                        .status());
                statuses.add(seen(RUNNING.http()
                                .post("/v1/tokens", RUNNING.operator(), Json.write(Json.object("role", "operator"))))
                        .status());
                statuses.add(seen(RUNNING.http()
                                .post(
                                        "/v1/join-codes",
                                        RUNNING.operator(),
                                        Json.write(Json.object("agreement", agreement, "cloudAccount", owner))))
                        .status());
                statuses.add(seen(lend()).status());
                statuses.add(seen(agent.tryEnroll()).status());
                statuses.add(seen(visitor.get("/portal/usage")).status());
                statuses.add(seen(new Visitor(RUNNING.http()).signIn("nobody@example.com", USER_PASSWORD))
                        .status());
                assertTrue(statuses.contains(500), table + ": " + statuses);
            } finally {
                RUNNING.database().execute("ALTER TABLE hidden RENAME TO " + table);
            }
        }
        assertTrue(LOG.lines.stream().anyMatch(line -> line.startsWith("ERROR") && line.contains("PgException")));
    }

    private Http.Answer lend() {
        return RUNNING.http()
                .post(
                        "/v1/cloud-keys",
                        RUNNING.operator(),
                        Json.write(Json.object(
                                "cloud",
                                "outscale",
                                "cloudAccount",
                                owner,
                                "accessKey",
                                "KANARIELENTID0000001",
                                "secretKey",
                                LENT_SECRET)));
    }

    @Test
    void aRefusedOrThrottledSignInDoesNotTellThePassword() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Visitor visitor = new Visitor(RUNNING.http());
        List<Integer> statuses = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            statuses.add(seen(visitor.signIn(email, USER_PASSWORD)).status());
        }
        assertTrue(statuses.contains(400) && statuses.contains(429), statuses::toString);
        // In the place of the address, where the page shows it again; the log does not.
        visitor.signIn(USER_PASSWORD, "x");
    }

    @Test
    void whatAnAgentIsGivenAndSendsIsInNoLog() {
        ProtocolClient agent = ProtocolClient.outscale(
                RUNNING.http(), RUNNING.clock(), owner, "i-0000ca03", List.of(code), Optional.of(joinCode()));
        Canaries leases = new Canaries();
        agent.enroll().decisions().stream()
                .flatMap(d -> d.lease().stream())
                .forEach(lease -> leases.plant("lease", lease.substring(lease.lastIndexOf('.') + 1)));
        assertEquals(1, leases.texts().size());
        seen(agent.tryLease(0));
        seen(agent.trySend(agent.sign()));
        LOG.lines.forEach(line -> assertEquals(List.of(), leases.in(line), line));
    }

    @Test
    void aCloudAndAMailServerThatRepeatWhatTheyWereSentDoNotBringItIntoTheLog() throws Exception {
        joinCode();
        lend().expect(200);
        RUNNING.http()
                .post(
                        "/v1/accounts/" + seller + "/cloud-accounts",
                        RUNNING.operator(),
                        Json.write(Json.object("cloud", "outscale", "accountId", "343434343434")));
        seen(RUNNING.http()
                .get(
                        "/v1/products/" + product + "/versions/images?cloud=outscale&region=eu-west-2",
                        RUNNING.token(Role.SELLER, seller)));
        Wiring wiring = RUNNING.running().wiring();
        Aggregator.await(
                wiring.database
                        .transactor()
                        .inTx(tx -> wiring.outbox.write(tx, List.of(new Mail("e", "a@example.com", "S", "B")))),
                Duration.ofSeconds(20));
        RUNNING.clock().advance(Duration.ofSeconds(5));
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (LOG.lines.stream().noneMatch(l -> l.contains("MailSender")) && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        assertTrue(LOG.lines.stream().anyMatch(l -> l.contains("MailSender")), "the mail was refused");
    }

    @Test
    void neitherCommandsNorAWrongConfigurationTellASecret() throws Exception {
        Path key = file("not-base64 " + DATABASE_PASSWORD);
        String url = "postgresql://u:" + encoded(DATABASE_PASSWORD) + "@127.0.0.1:1/d";
        Path conf = file(String.join(
                "\n",
                "public.url = http://127.0.0.1:8080",
                "database.url = " + url,
                "keys.wrapping-key.file = " + key,
                "mail.password " + MAIL_PASSWORD,
                "mail.password.value = " + MAIL_PASSWORD,
                "images.outscale.key-file = " + file(CLOUD_SECRET),
                "images.outscale.account = " + ACCOUNT));
        List<String> told = new ArrayList<>();
        for (String command :
                List.of("serve", "migrate", "audit verify", "keys list", "token create --role operator")) {
            told.add(run(command.split(" "), conf));
            told.add(run((command + " --help").split(" "), conf));
        }
        for (String bad : List.of(
                url.replace("//", "/"),
                url + "?password=" + DATABASE_PASSWORD,
                url + "?sslmode=" + DATABASE_PASSWORD,
                url.replace("127.0.0.1:1", "127.0.0.1:x"),
                url.replace("127.0.0.1:1/d", ""))) {
            told.add(run(new String[] {"migrate", "--set", "database.url=" + bad}, conf));
            told.add(run(new String[] {"serve", "--set", "listen.host=" + bad}, conf));
        }
        Path right = file(String.join(
                "\n",
                "public.url = http://127.0.0.1:8080",
                "database.url = " + url,
                "keys.wrapping-key.file = " + RunningAggregator.wrappingKey()));
        String away = run(new String[] {"migrate"}, right);
        assertTrue(away.contains("127.0.0.1:1"), away);
        told.add(away);
        told.add(run(new String[] {"serve"}, right));
        told.forEach(text -> assertNone("a command", text));

        ConfigReader reader = ConfigFile.read(right).reader();
        Config.read(reader);
        assertNone("the effective configuration", String.join("\n", reader.effective()));
    }

    private static String run(String[] args, Path conf) {
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(List.of("--config", conf.toString()));
        StringWriter out = new StringWriter();
        Main.run(all.toArray(String[]::new), new PrintWriter(out, true), new PrintWriter(out, true));
        // Commands make the log quieter for their process, which is this one here.
        root().setLevel(Level.INFO);
        return out.toString();
    }

    /** Somebody logs it one day, or a debugger's dump has it. */
    @Test
    void whatHoldsASecretDoesNotPrintIt() {
        Config config =
                RunningAggregator.config("postgresql://u:" + encoded(DATABASE_PASSWORD) + "@127.0.0.1:1/d", settings());
        Wiring wiring = RUNNING.running().wiring();
        Tokens.Issued token = Aggregator.await(
                wiring.tokens.create(
                        "test",
                        new Tokens.NewToken(Role.OPERATOR, Optional.empty(), Optional.empty(), Optional.empty())),
                Duration.ofSeconds(20));
        SECRETS.plant("a token", token.secret());
        Users.NewUser user =
                new Users.NewUser("printed@example.com", Role.OPERATOR, Optional.empty(), Optional.of(USER_PASSWORD));
        Users.Issued generated = Aggregator.await(
                wiring.users.create(
                        "test",
                        new Users.NewUser("made@example.com", Role.OPERATOR, Optional.empty(), Optional.empty())),
                Duration.ofSeconds(20));
        SECRETS.plant("a generated password", generated.generatedPassword().orElseThrow());
        List<Object> holders = List.of(
                config,
                config.database(),
                config.database().url(),
                config.images(),
                config.mail().orElseThrow(),
                new CloudKey("KANARIEKEYID00000001", CLOUD_SECRET),
                JoinCode.parse(joinCode()),
                token,
                user,
                generated);
        for (Object holder : holders) {
            assertNone(holder.getClass().getName(), holder.toString());
        }
    }
}
