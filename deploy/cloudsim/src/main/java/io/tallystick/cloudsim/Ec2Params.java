package io.tallystick.cloudsim;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/** The parameters of an EC2 Query request. One that nobody asked for is refused, so that a client learns what is missing. */
final class Ec2Params {
    private static final int COUNT_MAX = 20_000;

    private final Map<String, String> left = new TreeMap<>();

    private Ec2Params() {}

    static Ec2Params parse(byte[] form) {
        Ec2Params params = new Ec2Params();
        String text = new String(form, StandardCharsets.UTF_8);
        String[] pairs = text.isEmpty() ? new String[0] : text.split("&", COUNT_MAX);
        for (String pair : pairs) {
            int end = pair.indexOf('=');
            try {
                String name = URLDecoder.decode(end < 0 ? pair : pair.substring(0, end), StandardCharsets.UTF_8);
                String value = end < 0 ? "" : URLDecoder.decode(pair.substring(end + 1), StandardCharsets.UTF_8);
                if (params.left.put(name, value) != null) {
                    throw ApiError.ec2("InvalidParameter", "The parameter " + name + " is given twice");
                }
            } catch (IllegalArgumentException e) {
                throw ApiError.ec2("MalformedQueryString", "The query string contains a syntax error");
            }
        }
        return params;
    }

    Optional<String> optional(String name) {
        return Optional.ofNullable(left.remove(name));
    }

    String required(String name) {
        return optional(name)
                .filter(v -> !v.isEmpty())
                .orElseThrow(() -> ApiError.ec2("MissingParameter", "The request must contain the parameter " + name));
    }

    boolean bool(String name) {
        return optional(name).map("true"::equals).orElse(false);
    }

    /** {@code name.1}, {@code name.2} and so on. */
    List<String> list(String name) {
        List<String> values = new ArrayList<>();
        while (left.containsKey(name + "." + (values.size() + 1))) {
            values.add(left.remove(name + "." + (values.size() + 1)));
        }
        return values;
    }

    /** {@code Filter.1.Name}, {@code Filter.1.Value.1} and so on. */
    Map<String, List<String>> filters() {
        Map<String, List<String>> filters = new LinkedHashMap<>();
        for (int i = 1; left.containsKey("Filter." + i + ".Name"); i++) {
            filters.put(required("Filter." + i + ".Name"), list("Filter." + i + ".Value"));
        }
        return filters;
    }

    /** {@code prefix.1.Key}, {@code prefix.1.Value} and so on. */
    Map<String, String> tags(String prefix) {
        Map<String, String> tags = new LinkedHashMap<>();
        for (int i = 1; left.containsKey(prefix + "." + i + ".Key"); i++) {
            tags.put(
                    required(prefix + "." + i + ".Key"),
                    optional(prefix + "." + i + ".Value").orElse(""));
        }
        return tags;
    }

    /** {@code prefix.1.member}, {@code prefix.2.member} and so on. */
    List<String> members(String prefix, String member) {
        List<String> values = new ArrayList<>();
        for (int i = 1; left.keySet().stream().anyMatch(startsWith(prefix + "." + i + ".")); i++) {
            optional(prefix + "." + i + "." + member).ifPresent(values::add);
        }
        return values;
    }

    private static Predicate<String> startsWith(String prefix) {
        return name -> name.startsWith(prefix);
    }

    void done() {
        if (!left.isEmpty()) {
            throw ApiError.ec2(
                    "UnknownParameter", "The parameters " + left.keySet() + " are not recognized by this simulation");
        }
    }
}
