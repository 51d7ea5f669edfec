package io.tallystick.client;

import java.util.List;
import java.util.Optional;

/** The agent said no, and why. Of usage nothing was kept: a call is taken whole or not at all. */
public final class AgentRefusedException extends AgentException {
    private static final long serialVersionUID = 1;

    private final Reason reason;
    private final String code;
    private final int status;
    private final String detail;
    private final @org.jspecify.annotations.Nullable String remedy;
    private final List<String> problems;

    AgentRefusedException(
            String code,
            int status,
            String detail,
            @org.jspecify.annotations.Nullable String remedy,
            List<String> problems) {
        super(code + ": " + detail + (problems.size() > 1 ? " " + problems : ""), null);
        this.reason = Reason.of(code);
        this.code = code;
        this.status = status;
        this.detail = detail;
        this.remedy = remedy;
        this.problems = List.copyOf(problems);
    }

    public Reason reason() {
        return reason;
    }

    /** The code as the agent wrote it; of interest where {@link #reason()} is {@link Reason#UNRECOGNISED}. */
    public String code() {
        return code;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** A sentence for people. */
    public String detail() {
        return detail;
    }

    /** What people can do about it. */
    public Optional<String> remedy() {
        return Optional.ofNullable(remedy);
    }

    /** Every single thing wrong with the call, such as {@code [3].dimension: is not one of [requests]}. */
    public List<String> problems() {
        return problems;
    }
}
