package io.tallystick.sandbox;

/** Something did not come out as it must; says what was expected and what came instead. */
public final class StepFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String expected;
    private final String got;

    public StepFailure(String expected, String got) {
        super("expected: " + expected + "; got: " + got);
        this.expected = expected;
        this.got = got;
    }

    public String expected() {
        return expected;
    }

    public String got() {
        return got;
    }
}
