package io.tallystick.agent.api;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Who may speak to the local API. A page in a browser on this VM must not (any {@code Origin} or fetch metadata is
 * refused), nor one that reached us through a name that resolves to loopback (the {@code Host} must be ours). From
 * beyond loopback nothing but {@code /healthz} is answered without the token.
 */
final class Guard {
    private final Set<String> hosts;
    private final Optional<byte[]> token;

    /** @param extraHosts further values of {@code Host} taken, such as {@code agent.internal:8793} */
    Guard(InetSocketAddress address, List<String> extraHosts, Optional<String> token) {
        int port = address.getPort();
        Set<String> allowed = new TreeSet<>();
        Set<String> names = new TreeSet<>(List.of("localhost", "127.0.0.1", "[::1]"));
        if (!address.getAddress().isAnyLocalAddress()) {
            names.add(LocalApi.host(address.getAddress()));
        }
        for (String name : names) {
            allowed.add(name + ":" + port);
            if (port == 80) {
                allowed.add(name);
            }
        }
        extraHosts.forEach(h -> allowed.add(h.toLowerCase(Locale.ROOT)));
        this.hosts = Set.copyOf(allowed);
        this.token = token.map(t -> ("Bearer " + t).getBytes(StandardCharsets.UTF_8));
    }

    void checkOrigin(HttpExchange exchange) {
        Headers headers = exchange.getRequestHeaders();
        List<String> host = headers.getOrDefault("Host", List.of());
        if (host.size() != 1 || !hosts.contains(host.get(0).toLowerCase(Locale.ROOT))) {
            throw Failure.of(ErrorCode.FORBIDDEN, "the Host header must name this agent's own address");
        }
        for (String name : List.of("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode")) {
            if (headers.containsKey(name)) {
                throw Failure.of(ErrorCode.FORBIDDEN, "requests from web pages (" + name + ") are not served");
            }
        }
    }

    /** Whether the caller is on this machine itself, not in a container or beyond. */
    static boolean isLocal(HttpExchange exchange) {
        return exchange.getRemoteAddress().getAddress().isLoopbackAddress();
    }

    void checkToken(HttpExchange exchange) {
        if (token.isEmpty()) {
            return;
        }
        String given = exchange.getRequestHeaders().getFirst("Authorization");
        byte[] bytes = given == null ? new byte[0] : given.getBytes(StandardCharsets.UTF_8);
        if (!MessageDigest.isEqual(bytes, token.get())) {
            throw Failure.of(ErrorCode.UNAUTHENTICATED, "the token of token.file is needed as Authorization: Bearer …");
        }
    }
}
