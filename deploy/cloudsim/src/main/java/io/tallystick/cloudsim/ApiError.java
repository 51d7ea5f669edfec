package io.tallystick.cloudsim;

/** A cloud's API refuses a request, in that cloud's words. */
final class ApiError extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String code;
    private final String type;

    private ApiError(int status, String code, String type, String message) {
        super(message);
        this.status = status;
        this.code = code;
        this.type = type;
    }

    static ApiError ec2(int status, String code, String message) {
        return new ApiError(status, code, "", message);
    }

    static ApiError ec2(String code, String message) {
        return ec2(400, code, message);
    }

    static ApiError outscale(int status, String code, String type, String details) {
        return new ApiError(status, code, type, details);
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }

    /** OUTSCALE's name for the sort of error. */
    String type() {
        return type;
    }

    String details() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}
