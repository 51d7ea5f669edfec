package io.tallystick.aggregator.lifecycle;

import java.util.ArrayList;
import java.util.List;

/**
 * A sheet of text cells as spreadsheets save and open it: RFC 4180, with commas or (as where commas are decimal) semicolons.
 * What a spreadsheet would take for a formula is written with an apostrophe before it, which is taken away again on reading;
 * so is what begins with an apostrophe, that it may be read as it was.
 */
final class Sheet {
    /** What is written after an apostrophe; the wide signs are formulas, too. */
    private static final String MARKED = "=+-@\t\r\n＝＋－＠'";

    private Sheet() {}

    static String write(List<List<String>> rows) {
        StringBuilder out = new StringBuilder();
        for (List<String> row : rows) {
            for (int i = 0; i < row.size(); i++) {
                out.append(i == 0 ? "" : ",").append(cell(row.get(i)));
            }
            out.append("\r\n");
        }
        return out.toString();
    }

    private static String cell(String text) {
        String safe = !text.isEmpty() && MARKED.indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
        return safe.matches("(?s).*[\",;\r\n].*") ? "\"" + safe.replace("\"", "\"\"") + "\"" : safe;
    }

    /** Rows of cells; {@link IllegalArgumentException} where a quote does not end. */
    static List<List<String>> read(String text) {
        String csv = text.startsWith("\uFEFF") ? text.substring(1) : text;
        String first = csv.lines().findFirst().orElse("");
        char separator = first.contains(";") && !first.contains(",") ? ';' : ',';
        List<List<String>> rows = new ArrayList<>();
        List<String> row = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < csv.length(); i++) {
            char c = csv.charAt(i);
            if (quoted) {
                if (c == '"' && i + 1 < csv.length() && csv.charAt(i + 1) == '"') {
                    cell.append(c);
                    i++;
                } else if (c == '"') {
                    quoted = false;
                } else {
                    cell.append(c);
                }
            } else if (c == '"' && cell.length() == 0) {
                quoted = true;
            } else if (c == separator) {
                row.add(unescaped(cell));
            } else if (c == '\n') {
                row.add(unescaped(cell));
                rows.add(row);
                row = new ArrayList<>();
            } else if (c != '\r') {
                cell.append(c);
            }
        }
        if (quoted) {
            throw new IllegalArgumentException("a quoted cell does not end");
        }
        if (cell.length() > 0 || !row.isEmpty()) {
            row.add(unescaped(cell));
            rows.add(row);
        }
        return rows;
    }

    /** Takes the cell, and empties it for the next one. */
    private static String unescaped(StringBuilder cell) {
        String text = cell.toString();
        cell.setLength(0);
        boolean marked = text.length() > 1 && text.charAt(0) == '\'' && MARKED.indexOf(text.charAt(1)) >= 0;
        return marked ? text.substring(1) : text;
    }
}
