package io.tallystick.agent.app;

/** How a command prints its answer. Lower case, as it is written on the command line. */
enum Output {
    text,
    json
}
