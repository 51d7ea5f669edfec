package io.tallystick.common.error;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A refusal that a caller can act on: what, where and which rule. Thrown by rules and services, turned into a problem
 * document (aggregator, agent) or an exit code (CLI) in one place each. Carries no stack trace: it is an answer, not a
 * defect.
 */
public final class Failure extends RuntimeException {

    /** One thing wrong, at a path such as {@code records[3].quantity}. */
    public record Problem(String path, String detail) {
        @Override
        public String toString() {
            return path.isEmpty() ? detail : path + ": " + detail;
        }
    }

    private final ErrorCode code;
    private final String detail;

    @SuppressWarnings("serial")
    private final List<Problem> problems;

    @SuppressWarnings("serial")
    private final Map<String, Object> data;

    private Failure(ErrorCode code, String detail, List<Problem> problems, Map<String, Object> data) {
        super(code.wire() + ": " + detail + describe(problems), null, false, false);
        this.code = code;
        this.detail = detail;
        this.problems = List.copyOf(problems);
        this.data = Collections.unmodifiableMap(new LinkedHashMap<>(data));
    }

    private static String describe(List<Problem> problems) {
        return problems.isEmpty()
                ? ""
                : problems.stream().map(Problem::toString).collect(Collectors.joining("; ", " [", "]"));
    }

    public static Failure of(ErrorCode code, String detail) {
        return new Failure(code, detail, List.of(), Map.of());
    }

    /** All problems of one request at once; the detail is a summary for people. */
    public static Failure of(ErrorCode code, List<Problem> problems) {
        String detail = problems.size() == 1 ? problems.get(0).toString() : problems.size() + " problems, see errors";
        return new Failure(code, detail, problems, Map.of());
    }

    /** The same failure with a machine-readable member, for example {@code expected} on a gap. JSON-able values only. */
    public Failure with(String key, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(data);
        more.put(key, value);
        return new Failure(code, detail, problems, more);
    }

    public ErrorCode code() {
        return code;
    }

    public String detail() {
        return detail;
    }

    public List<Problem> problems() {
        return problems;
    }

    /** The machine-readable members, in the order they were given. */
    public Map<String, Object> data() {
        return data;
    }
}
