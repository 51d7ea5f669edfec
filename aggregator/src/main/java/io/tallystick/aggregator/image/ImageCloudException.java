package io.tallystick.aggregator.image;

import org.jspecify.annotations.Nullable;

/** A cloud refused, or could not be asked. */
public final class ImageCloudException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String code;
    private final boolean retryable;

    /**
     * @param code the cloud's error code, or {@code unreachable}
     * @param retryable whether the same request may succeed later: throttling, 5xx, no answer
     */
    public ImageCloudException(String code, String message, boolean retryable, @Nullable Throwable cause) {
        super(code + ": " + message, cause);
        this.code = code;
        this.retryable = retryable;
    }

    public String code() {
        return code;
    }

    public boolean isRetryable() {
        return retryable;
    }
}
