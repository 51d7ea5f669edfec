package io.tallystick.cloudsim;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * AWS's signature version 4 and OUTSCALE's variant of it, from the receiver's side, for requests without a query:
 * marketplace reference 8.3, A.3 and A.4.
 */
final class Signature4 {
    /** The two schemes, which differ in words only. */
    enum Scheme {
        AWS4("X-Amz-Date"),
        OSC4("X-Osc-Date");

        private final String dateHeader;
        private final Pattern authorization;

        Scheme(String dateHeader) {
            this.dateHeader = dateHeader;
            this.authorization = Pattern.compile(algorithm()
                    + " Credential=([A-Za-z0-9]{1,128})/([0-9]{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,64})/" + terminator()
                    + ", *SignedHeaders=([a-z0-9;-]{1,1024}), *Signature=([0-9a-f]{64})");
        }

        String algorithm() {
            return name() + "-HMAC-SHA256";
        }

        /** In whose form {@code yyyyMMdd'T'HHmmss'Z'} is the time of signing. */
        String dateHeader() {
            return dateHeader;
        }

        private String terminator() {
            return name().toLowerCase(Locale.ROOT) + "_request";
        }
    }

    /** What the header Authorization says. */
    record Claim(
            Scheme scheme,
            String accessKeyId,
            String day,
            String region,
            String service,
            List<String> signedHeaders,
            String signature) {

        /** Empty if this is not a header of that scheme. */
        static Optional<Claim> of(Scheme scheme, @Nullable String header) {
            Matcher m = scheme.authorization.matcher(header == null ? "" : header);
            return m.matches()
                    ? Optional.of(new Claim(
                            scheme,
                            m.group(1),
                            m.group(2),
                            m.group(3),
                            m.group(4),
                            List.of(m.group(5).split(";")),
                            m.group(6)))
                    : Optional.empty();
        }
    }

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final String MAC = "HmacSHA256";

    private Signature4() {}

    /** Whether this secret made the claim's signature over the request; {@code header} answers empty for an absent one. */
    static boolean verify(Claim claim, String secret, String path, Function<String, String> header, byte[] body) {
        String time = header.apply(claim.scheme().dateHeader());
        if (!claim.signedHeaders().contains("host")
                || !claim.signedHeaders().contains(claim.scheme().dateHeader().toLowerCase(Locale.ROOT))
                || !time.startsWith(claim.day() + "T")) {
            return false;
        }
        String canonical = canonicalRequest(claim.signedHeaders(), path, header, body);
        byte[] expected = sign(claim, secret, time, canonical);
        return MessageDigest.isEqual(expected, HexFormat.of().parseHex(claim.signature()));
    }

    /** Whether a request signed at this time, in the form of the date header, is too old or too new. */
    static boolean isStale(String time, Instant now, Duration max) {
        try {
            return Duration.between(Instant.from(TIME.parse(time)), now).abs().compareTo(max) > 0;
        } catch (DateTimeException e) {
            return true;
        }
    }

    static String canonicalRequest(
            List<String> signedHeaders, String path, Function<String, String> header, byte[] body) {
        return "POST\n" + path + "\n\n"
                + signedHeaders.stream()
                        .map(name -> name + ":" + header.apply(name).strip().replaceAll(" +", " ") + "\n")
                        .collect(Collectors.joining())
                + "\n" + String.join(";", signedHeaders) + "\n" + sha256(body);
    }

    private static byte[] sign(Claim claim, String secret, String time, String canonicalRequest) {
        String scheme = claim.scheme().name();
        String scope = String.join(
                "/",
                claim.day(),
                claim.region(),
                claim.service(),
                claim.scheme().terminator());
        byte[] key = (scheme + secret).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) {
            key = hmac(key, part);
        }
        String text = String.join(
                "\n",
                claim.scheme().algorithm(),
                time,
                scope,
                sha256(canonicalRequest.getBytes(StandardCharsets.UTF_8)));
        return hmac(key, text);
    }

    static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(key, MAC));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + MAC, e);
        }
    }
}
