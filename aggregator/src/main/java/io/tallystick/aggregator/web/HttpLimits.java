package io.tallystick.aggregator.web;

import java.time.Duration;

/** Bounds on what a client may send, checked before anything is parsed. */
public final class HttpLimits {
    /** Default for a route's body; a route may state its own. */
    public static final int BODY_BYTES_MAX = 1024 * 1024;

    /** For the forms of pages. */
    public static final int FORM_BYTES_MAX = 64 * 1024;

    /** For one field of a form; how long the whole may be is the route's to say. */
    public static final int FORM_FIELD_BYTES_MAX = 256 * 1024;

    public static final int HEADER_BYTES_MAX = 8 * 1024;
    /** Request line: method, target and version together. */
    public static final int REQUEST_LINE_BYTES_MAX = 2 * 1024;

    /** From a request's first byte to the end of its headers, however it trickles in. */
    public static final Duration HEAD_MAX = Duration.ofSeconds(10);

    /** From there to the end of its body. */
    public static final Duration BODY_MAX = Duration.ofSeconds(60);

    /** Connections of a process at once; more are closed at once. */
    public static final int CONNECTIONS_MAX = 10_000;

    /** A connection that neither reads nor writes for this long is closed, so slow clients hold nothing for ever. */
    public static final Duration IDLE_MAX = Duration.ofSeconds(60);

    private HttpLimits() {}
}
