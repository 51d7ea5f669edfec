package io.tallystick.agent.app;

import io.tallystick.agent.metadata.Cloud;
import io.tallystick.agent.metadata.Metadata;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.config.ConfigReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The agent's settings, validated whole. {@code deploy/agent-full.conf} explains each key. */
public record AgentConfig(
        String aggregatorUrl,
        Optional<Path> caFile,
        Optional<InetSocketAddress> proxy,
        Path stateDir,
        String listenHost,
        int listenPort,
        List<String> extraHosts,
        Optional<String> token,
        Cloud cloud,
        Optional<Path> joinCodeFile,
        String metadataUrl,
        boolean sandbox,
        Optional<Path> clockFile,
        int storeMaxMib,
        List<String> effective,
        Set<String> keys) {

    private static final int STORE_MIB_DEFAULT = 256;
    private static final int STORE_MIB_MIN = 8;
    private static final int STORE_MIB_MAX = 16 * 1024;
    private static final int PORT_DEFAULT = 8793;
    /** Enough that nobody on the network guesses it: 128 bits in hexadecimal. */
    private static final int REMOTE_TOKEN_CHARS_MIN = 32;

    public AgentConfig {
        extraHosts = List.copyOf(extraHosts);
        effective = List.copyOf(effective);
        keys = Set.copyOf(keys);
    }

    /** Throws {@link io.tallystick.common.error.Failure} with every problem at once. */
    public static AgentConfig read(ConfigFile file) {
        ConfigReader r = file.reader();
        URI aggregator = r.requiredUri("aggregator.url");
        Optional<Path> ca = r.optionalPath("aggregator.ca.file");
        Optional<InetSocketAddress> proxy = r.has("aggregator.proxy")
                ? Optional.of(r.parsed("aggregator.proxy", "localhost:1", AgentConfig::hostAndPort))
                : r.optionalString("aggregator.proxy").map(AgentConfig::hostAndPort);
        Path state = r.requiredPath("state.dir");
        String host = r.string("listen.host", "127.0.0.1");
        int port = r.integer("listen.port", PORT_DEFAULT, 0, 65_535);
        List<String> extra = List.of(r.string("listen.names", "").split(" *, *")).stream()
                .filter(s -> !s.isEmpty())
                .toList();
        Optional<String> token = r.optionalSecret("token");
        Cloud cloud = r.parsed("cloud", Cloud.AUTO.setting(), Cloud::ofSetting);
        Optional<Path> joinCode = r.optionalPath("join-code.file");
        URI metadata = r.uri("metadata.url", URI.create(Metadata.ADDRESS));
        boolean sandbox = r.bool("sandbox", false);
        Optional<Path> clock = r.optionalPath("sandbox.clock-file");
        int maxMib = r.integer("store.max-mib", STORE_MIB_DEFAULT, STORE_MIB_MIN, STORE_MIB_MAX);

        if (r.has("aggregator.url")) {
            checkUrl(r, "aggregator.url", aggregator);
            boolean https = "https".equals(aggregator.getScheme());
            if (!https && !("http".equals(aggregator.getScheme()) && loopback(aggregator))) {
                r.problem("aggregator.url", "must be https, plain http only to a loopback address");
            }
        }
        if (!loopback(host)) {
            checkBeyondLoopback(r, host, extra, token);
        }
        if (r.has("metadata.url")) {
            checkUrl(r, "metadata.url", metadata);
            if (!sandbox) {
                r.problem("metadata.url", "may be set only in the sandbox (sandbox = true)");
            }
        }
        if (clock.isPresent()) {
            if (!sandbox) {
                r.problem("sandbox.clock-file", "may be set only in the sandbox (sandbox = true)");
            } else if (!loopback(aggregator) || !loopback(metadata)) {
                r.problem("sandbox.clock-file", "needs aggregator.url and metadata.url on loopback addresses");
            }
        }
        r.done();
        return new AgentConfig(
                strip(aggregator.toString()),
                ca,
                proxy,
                state,
                host,
                port,
                extra,
                token,
                cloud,
                joinCode,
                strip(metadata.toString()),
                sandbox,
                clock,
                maxMib,
                r.effective(),
                r.keys());
    }

    /** What callers from containers need, and a network must not get. */
    private static void checkBeyondLoopback(ConfigReader r, String host, List<String> names, Optional<String> token) {
        Optional<InetAddress> address = literal(host);
        boolean wildcard = address.isPresent() && address.get().isAnyLocalAddress();
        if (address.isEmpty() || !(wildcard || isPrivate(address.get()))) {
            r.problem(
                    "listen.host",
                    "must be a loopback address such as 127.0.0.1, or for containers a private address of this VM");
            return;
        }
        if (token.isEmpty()) {
            r.problem("listen.host", "beyond loopback needs token.file");
        } else if (token.get().length() < REMOTE_TOKEN_CHARS_MIN) {
            r.problem(
                    "token.file",
                    "beyond loopback needs a token of at least " + REMOTE_TOKEN_CHARS_MIN + " characters");
        }
        if (wildcard && names.isEmpty()) {
            r.problem("listen.host", host + " needs listen.names: the host:port by which containers call the agent");
        }
    }

    private static boolean isPrivate(InetAddress a) {
        byte[] b = a.getAddress();
        boolean shared = b.length == 4 && (b[0] & 0xff) == 100 && (b[1] & 0xc0) == 64;
        boolean uniqueLocal = b.length == 16 && (b[0] & 0xfe) == 0xfc;
        return a.isSiteLocalAddress() || a.isLinkLocalAddress() || shared || uniqueLocal;
    }

    /** An address written as one; a name is not looked up. */
    private static Optional<InetAddress> literal(String host) {
        if (!host.matches("[0-9.]+|\\[?[0-9a-fA-F:]+]?")) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.getByName(host));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    private static void checkUrl(ConfigReader r, String key, URI uri) {
        if (uri.getRawQuery() != null || uri.getRawFragment() != null || uri.getRawUserInfo() != null) {
            r.problem(key, "must have no user, query or fragment");
        }
    }

    private static String strip(String url) {
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    }

    private static boolean loopback(URI uri) {
        String host = uri.getHost();
        return host != null && loopback(host);
    }

    /** By name only where the name is localhost: another name may resolve to anything at any time. */
    private static boolean loopback(String host) {
        if (host.equals("localhost")) {
            return true;
        }
        return literal(host).map(InetAddress::isLoopbackAddress).orElse(false);
    }

    private static InetSocketAddress hostAndPort(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1 || !text.substring(colon + 1).matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException("must be host:port");
        }
        int port = Integer.parseInt(text.substring(colon + 1));
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("must have a port from 1 to 65535");
        }
        return InetSocketAddress.createUnresolved(text.substring(0, colon), port);
    }

    /** Without the token. */
    @Override
    public String toString() {
        return "AgentConfig" + effective;
    }
}
