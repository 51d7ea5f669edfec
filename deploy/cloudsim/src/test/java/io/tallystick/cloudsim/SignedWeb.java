package io.tallystick.cloudsim;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Signed requests to the clouds' APIs, made without the code that checks them. */
final class SignedWeb {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final URI base;
    private final AccessKey key;
    private final String region;
    private final Clock clock;

    SignedWeb(URI base, AccessKey key, String region, Clock clock) {
        this.base = base;
        this.key = key;
        this.region = region;
        this.clock = clock;
    }

    /** An EC2 action with parameters in pairs of names and values. */
    HttpResponse<String> ec2(String action, String... parameters) throws Exception {
        StringBuilder form = new StringBuilder("Action=" + action + "&Version=2016-11-15");
        for (int i = 0; i < parameters.length; i += 2) {
            form.append('&')
                    .append(parameters[i])
                    .append('=')
                    .append(URLEncoder.encode(parameters[i + 1], StandardCharsets.UTF_8));
        }
        return send("AWS4", "ec2", "/", "application/x-www-form-urlencoded; charset=utf-8", form.toString());
    }

    HttpResponse<String> outscale(String action, String json) throws Exception {
        return send("OSC4", "api", "/api/v1/" + action, "application/json; charset=utf-8", json);
    }

    private HttpResponse<String> send(String scheme, String service, String path, String type, String body)
            throws Exception {
        String time = TIME.format(clock.instant());
        String dateHeader = scheme.equals("AWS4") ? "x-amz-date" : "x-osc-date";
        String signed = "content-type;host;" + dateHeader;
        String canonical = "POST\n" + path + "\n\ncontent-type:" + type + "\nhost:" + base.getAuthority() + "\n"
                + dateHeader + ":" + time + "\n\n" + signed + "\n" + sha256(body);
        String scope = time.substring(0, 8) + "/" + region + "/" + service + "/" + scheme.toLowerCase(Locale.ROOT)
                + "_request";
        byte[] signingKey = (scheme + key.secretKey()).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) {
            signingKey = hmac(signingKey, part);
        }
        String signature = HexFormat.of()
                .formatHex(
                        hmac(signingKey, scheme + "-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256(canonical)));
        return HTTP.send(
                HttpRequest.newBuilder(base.resolve(path))
                        .header("Content-Type", type)
                        .header(dateHeader, time)
                        .header(
                                "Authorization",
                                scheme + "-HMAC-SHA256 Credential=" + key.accessKeyId() + "/" + scope
                                        + ", SignedHeaders=" + signed + ", Signature=" + signature)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static String sha256(String text) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] hmac(byte[] key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }
}
