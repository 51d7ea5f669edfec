package io.tallystick.agent.net;

import io.tallystick.common.error.ErrorCode;
import java.util.Map;
import java.util.Optional;

/** A 4xx with a problem document (RFC 9457). Not signed, so it never overrides what a signature says. */
public final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;
    private final String detail;

    @SuppressWarnings("serial")
    private final Map<String, Object> problem;

    public Refused(int status, String code, String detail, Map<String, Object> problem) {
        super(status + " " + code + ": " + detail, null, false, false);
        this.status = status;
        this.code = code;
        this.detail = detail;
        this.problem = Map.copyOf(problem);
    }

    public int status() {
        return status;
    }

    /** One of {@link ErrorCode}'s in wire form, or what a newer aggregator or another server said. */
    public String code() {
        return code;
    }

    public boolean is(ErrorCode other) {
        return code.equals(other.wire());
    }

    public String detail() {
        return detail;
    }

    /** A string member of the problem, such as {@code remedy}. */
    public Optional<String> text(String member) {
        return problem.get(member) instanceof String s ? Optional.of(s) : Optional.empty();
    }

    /** A member of the problem, such as {@code expected}. */
    public Optional<Object> member(String member) {
        return Optional.ofNullable(problem.get(member));
    }
}
