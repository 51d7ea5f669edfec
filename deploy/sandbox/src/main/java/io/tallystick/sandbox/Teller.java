package io.tallystick.sandbox;

import java.io.PrintWriter;

/** Tells the story while it is played: what was done, and what came back. */
final class Teller {
    private final PrintWriter out;
    private int step;

    Teller(PrintWriter out) {
        this.out = out;
    }

    void chapter(String title) {
        out.println();
        out.println("== " + title);
        out.flush();
    }

    void begin(int number, String title) {
        step = number;
        out.println();
        out.println("step " + number + "  " + title);
        out.flush();
    }

    /** One thing done in the step and its result. */
    void did(String what, String result) {
        out.println("step " + step + "  … " + what);
        out.println("        → " + result);
        out.flush();
    }

    void note(String text) {
        out.println("        " + text);
        out.flush();
    }
}
