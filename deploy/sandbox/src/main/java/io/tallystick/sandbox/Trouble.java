package io.tallystick.sandbox;

/** Something the user of the sandbox must know or mend; its message is shown as it is, without a stack trace. */
public final class Trouble extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Trouble(String message) {
        super(message);
    }

    public Trouble(String message, Throwable cause) {
        super(message, cause);
    }
}
