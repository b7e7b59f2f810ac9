package dev.tenon.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Collects figures, prints them as a table and as one JSON line. */
final class Report {
    private record Row(String what, double[] samples, String aim) {}

    private final List<Row> rows = new ArrayList<>();
    private final Map<String, Double> json = new LinkedHashMap<>();

    static double median(double[] samples) {
        double[] sorted = samples.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** Adds a measured figure and returns its median. */
    double measured(String key, String what, double[] samples, String aim) {
        rows.add(new Row(what, samples, aim));
        double median = median(samples);
        json.put(key, median);
        return median;
    }

    /** Adds a figure that is computed from others. */
    void derived(String key, String what, double value, String aim) {
        rows.add(new Row(what, new double[] {value}, aim));
        json.put(key, value);
    }

    /** Says that a figure could not be measured here. */
    void missing(String key) {
        json.put(key, Double.NaN);
    }

    void print() {
        System.out.printf(Locale.ROOT, "%-58s %9s %9s %9s %4s  %s%n", "", "min", "median", "max", "n", "aim");
        for (Row row : rows) {
            System.out.printf(
                    Locale.ROOT,
                    "%-58s %9.2f %9.2f %9.2f %4d  %s%n",
                    row.what(),
                    Arrays.stream(row.samples()).min().orElseThrow(),
                    median(row.samples()),
                    Arrays.stream(row.samples()).max().orElseThrow(),
                    row.samples().length,
                    row.aim());
        }
        System.out.println(json.entrySet().stream()
                .map(e -> e.getValue().isNaN()
                        ? "\"" + e.getKey() + "\":null"
                        : String.format(Locale.ROOT, "\"%s\":%.2f", e.getKey(), e.getValue()))
                .collect(Collectors.joining(",", "{", "}")));
    }
}
