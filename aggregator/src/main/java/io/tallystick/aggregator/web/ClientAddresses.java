package io.tallystick.aggregator.web;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the address a request came from, through proxies that the operator trusts. What a client writes into the header
 * itself is never believed: only trusted peers are, and their word is followed from the nearest hop outwards until the
 * first address that is not a trusted proxy's. Good for logs and rate limits; never for identity, and never part of the
 * issuer.
 */
public final class ClientAddresses {
    /** One header and no other: a proxy that sets one lets the other through as the client made it. */
    public enum Header {
        X_FORWARDED_FOR("X-Forwarded-For"),
        /** RFC 7239. */
        FORWARDED("Forwarded");

        private final String wire;

        Header(String wire) {
            this.wire = wire;
        }

        public String wire() {
            return wire;
        }

        /** By its name in any case. */
        public static Header parse(String text) {
            for (Header header : values()) {
                if (header.wire.equalsIgnoreCase(text)) {
                    return header;
                }
            }
            throw new IllegalArgumentException("must be X-Forwarded-For or Forwarded");
        }
    }

    /** Addresses whose first {@code bits} bits are those of {@code base}. */
    private record Network(byte[] base, int bits) {
        boolean contains(byte[] address) {
            if (address.length != base.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> (bit % Byte.SIZE);
                if (((address[bit / Byte.SIZE] ^ base[bit / Byte.SIZE]) & mask) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    /** No proxy is trusted: the address is the peer's. */
    public static final ClientAddresses DIRECT = new ClientAddresses(List.of(), Header.X_FORWARDED_FOR);

    /** Shown for a peer without an address, which a TCP peer always has. */
    private static final String UNKNOWN = "unknown";

    private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]{2,45}");
    private static final Pattern BRACKETED = Pattern.compile("\\[([^]]*)](:[0-9]{1,5})?");
    private static final Pattern IPV4_PORT = Pattern.compile("([0-9.]{7,15}):[0-9]{1,5}");

    private final List<Network> trusted;
    private final Header header;

    private ClientAddresses(List<Network> trusted, Header header) {
        this.trusted = trusted;
        this.header = header;
    }

    /** Trusts these proxies: addresses and networks such as {@code 10.0.0.0/8}, separated by commas. */
    public static ClientAddresses behind(String proxies, Header header) {
        List<Network> networks = new ArrayList<>();
        for (String part : proxies.split(",", -1)) {
            if (!part.isBlank()) {
                networks.add(network(part.strip()));
            }
        }
        return new ClientAddresses(List.copyOf(networks), header);
    }

    Header header() {
        return header;
    }

    /**
     * The address in its plain form.
     *
     * @param peer the other end of the connection
     * @param values of the header, in the order they came
     */
    public String of(@Nullable String peer, List<String> values) {
        Optional<InetAddress> hop = peer == null ? Optional.empty() : address(withoutZone(peer));
        if (hop.isEmpty()) {
            return peer == null ? UNKNOWN : peer;
        }
        InetAddress known = hop.get();
        String rest = String.join(",", values);
        while (isTrusted(known) && !rest.isEmpty()) {
            int comma = lastComma(rest);
            Optional<InetAddress> next = told(rest.substring(comma + 1));
            if (next.isEmpty()) {
                // "unknown", an obfuscated name or nonsense: whoever wrote it, the hop before it is certain.
                break;
            }
            known = next.get();
            rest = comma < 0 ? "" : rest.substring(0, comma);
        }
        return known.getHostAddress();
    }

    private boolean isTrusted(InetAddress address) {
        byte[] bytes = address.getAddress();
        return trusted.stream().anyMatch(n -> n.contains(bytes));
    }

    /** The last comma outside quotes. Read from the right, so a quote that a client left open swallows only its own part. */
    private static int lastComma(String text) {
        boolean quoted = false;
        for (int i = text.length() - 1; i >= 0; i--) {
            char c = text.charAt(i);
            if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                return i;
            }
        }
        return -1;
    }

    private Optional<InetAddress> told(String element) {
        if (header == Header.X_FORWARDED_FOR) {
            return node(element.strip());
        }
        for (String pair : element.split(";", -1)) {
            String stripped = pair.strip();
            if (stripped.toLowerCase(Locale.ROOT).startsWith("for=")) {
                return node(stripped.substring("for=".length()).replace("\"", ""));
            }
        }
        return Optional.empty();
    }

    private static Optional<InetAddress> node(String text) {
        var bracketed = BRACKETED.matcher(text);
        if (bracketed.matches()) {
            return address(bracketed.group(1));
        }
        var port = IPV4_PORT.matcher(text);
        return address(port.matches() ? port.group(1) : text);
    }

    private static Network network(String text) {
        int slash = text.indexOf('/');
        InetAddress base = address(slash < 0 ? text : text.substring(0, slash))
                .orElseThrow(() -> new IllegalArgumentException(
                        "must be addresses or networks such as 10.0.0.0/8, separated by commas: " + text));
        int width = base.getAddress().length * Byte.SIZE;
        String bits = slash < 0 ? String.valueOf(width) : text.substring(slash + 1);
        if (!bits.matches("[0-9]{1,3}") || Integer.parseInt(bits) > width) {
            throw new IllegalArgumentException("must have 0 to " + width + " bits after the slash: " + text);
        }
        return new Network(base.getAddress(), Integer.parseInt(bits));
    }

    /** A literal only: a name would be looked up, and so would be somebody else's to decide. */
    private static Optional<InetAddress> address(String text) {
        boolean literal = IPV4.matcher(text).matches()
                || (text.indexOf(':') >= 0 && IPV6.matcher(text).matches());
        if (!literal) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.getByName(text));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    private static String withoutZone(String peer) {
        int zone = peer.indexOf('%');
        return zone < 0 ? peer : peer.substring(0, zone);
    }
}
