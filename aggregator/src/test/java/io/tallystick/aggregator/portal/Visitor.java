package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.app.Http;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A browser as far as cookies and forms go, without running anything. */
public final class Visitor {
    private static final Pattern CSRF = Pattern.compile("name=\"csrf\" value=\"([A-Za-z0-9_-]+)\"");

    private static final String BOUNDARY = "----visitor-2718281828";

    private final Http http;
    private final Map<String, String> cookies = new HashMap<>();
    private String csrf = "";

    public Visitor(Http http) {
        this.http = http;
    }

    /** Signed in; fails where that is refused. */
    public static Visitor signedIn(Http http, String email, String password) {
        Visitor visitor = new Visitor(http);
        visitor.signIn(email, password).expect(303);
        return visitor;
    }

    public Http.Answer signIn(String email, String password) {
        get("/portal/sign-in").expect(200);
        Http.Answer answer = post("/portal/sign-in", Map.of("email", email, "password", password));
        if (answer.status() == 303) {
            // The token belongs to the session, so the page before has the wrong one.
            csrf = "";
        }
        return answer;
    }

    public Http.Answer get(String path) {
        return send(request(path).GET().build());
    }

    /** Posts a form with the token of a page seen in this session; one is fetched where none was. */
    public Http.Answer post(String path, Map<String, String> fields) {
        if (csrf.isEmpty()) {
            get("/portal/usage");
        }
        Map<String, String> all = new HashMap<>(fields);
        all.putIfAbsent("csrf", csrf);
        return send(form(path, all).build());
    }

    /** As {@link #post}, as forms with files are sent; these by the names of their fields. */
    public Http.Answer upload(String path, Map<String, String> fields, Map<String, byte[]> files) {
        if (csrf.isEmpty()) {
            get("/portal/usage");
        }
        Map<String, String> all = new HashMap<>(fields);
        all.putIfAbsent("csrf", csrf);
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        all.forEach((name, value) -> part(body, "name=\"" + name + "\"", value.getBytes(StandardCharsets.UTF_8)));
        files.forEach((name, content) ->
                part(body, "name=\"" + name + "\"; filename=\"form.csv\"\r\nContent-Type: text/csv", content));
        body.writeBytes(("--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.US_ASCII));
        return send(request(path)
                .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body.toByteArray()))
                .build());
    }

    private static void part(ByteArrayOutputStream body, String head, byte[] content) {
        body.writeBytes(("--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + head + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        body.writeBytes(content);
        body.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    /** A form exactly as given. */
    public HttpRequest.Builder form(String path, Map<String, String> fields) {
        String body = fields.entrySet().stream()
                .map(e -> e.getKey() + "=" + URLEncoder.encode(e.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return request(path)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(body));
    }

    public HttpRequest.Builder request(String path) {
        URI uri = http.uri(path);
        HttpRequest.Builder request = HttpRequest.newBuilder(uri);
        if (!cookies.isEmpty()) {
            request.header(
                    "Cookie",
                    cookies.entrySet().stream()
                            .map(e -> e.getKey() + "=" + e.getValue())
                            .collect(Collectors.joining("; ")));
        }
        return request;
    }

    public Http.Answer send(HttpRequest request) {
        Http.Answer answer = http.send(request);
        for (String set : answer.headers().allValues("Set-Cookie")) {
            String[] pair = set.split(";", 2)[0].split("=", 2);
            if (pair[1].isEmpty()) {
                cookies.remove(pair[0]);
            } else {
                cookies.put(pair[0], pair[1]);
            }
        }
        Matcher token = CSRF.matcher(answer.text());
        if (token.find()) {
            csrf = token.group(1);
        }
        return answer;
    }

    public Map<String, String> cookies() {
        return cookies;
    }

    public String csrf() {
        return csrf;
    }
}
