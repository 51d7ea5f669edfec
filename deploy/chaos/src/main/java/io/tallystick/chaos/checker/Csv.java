package io.tallystick.chaos.checker;

import java.util.ArrayList;
import java.util.List;

/** RFC 4180 as this bill uses it: commas, double quotes, lines that end in LF or CRLF. */
final class Csv {
    private Csv() {}

    /** The rows of a text, each a list of cells. */
    static List<List<String>> rows(String text) {
        List<List<String>> rows = new ArrayList<>();
        List<String> row = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        boolean any = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quoted) {
                if (c != '"') {
                    cell.append(c);
                } else if (i + 1 < text.length() && text.charAt(i + 1) == '"') {
                    cell.append('"');
                    i++;
                } else {
                    quoted = false;
                }
                continue;
            }
            any = true;
            switch (c) {
                case '"' -> quoted = true;
                case ',' -> {
                    row.add(cell.toString());
                    cell.setLength(0);
                }
                case '\r' -> {
                    // Part of the line's end.
                }
                case '\n' -> {
                    row.add(cell.toString());
                    cell.setLength(0);
                    rows.add(row);
                    row = new ArrayList<>();
                    any = false;
                }
                default -> cell.append(c);
            }
        }
        if (quoted || any) {
            throw new IllegalArgumentException("the CSV ends in the middle of a line");
        }
        return rows;
    }
}
