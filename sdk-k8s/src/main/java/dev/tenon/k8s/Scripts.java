package dev.tenon.k8s;

import java.util.ArrayList;
import java.util.List;

/**
 * The few scripts a pod needs. Each is a constant: values reach it as positional parameters, never as part of its text.
 */
final class Scripts {
    /** Parameters: directories. */
    private static final String DIRECTORIES = """
            umask 077
            for directory in "$@"; do
              mkdir -p "$directory" && chmod 0700 "$directory" || exit 1
            done
            """;

    /**
     * One step. Parameters: directory, marker, whether it is the directory's first step, whether its last, seconds, text of
     * success, file for standard input; number of paths below the directory that must exist once it is complete, those paths,
     * this step's own first; number of inputs, three for each: source, target, mode; then program and arguments.
     *
     * <p>The marker lies beside the directory from the beginning of its first step to the end of its last: a complete directory
     * has every path and no marker, and one that is not complete is started over.
     */
    private static final String INITIALISE = """
            umask 077
            directory=$1 marker=$2 first=$3 last=$4 seconds=$5 success=$6 stdin=$7 paths=$8
            shift 8
            creates=$1
            complete=yes
            while [ "$paths" -gt 0 ]; do
              [ -e "$directory/$1" ] || complete=no
              shift
              paths=$((paths - 1))
            done
            if [ "$first" = yes ]; then
              if [ "$complete" = yes ] && [ ! -e "$marker" ]; then
                exit 0
              fi
              : > "$marker" && sync || exit 1
              find "$directory" -mindepth 1 -delete || exit 1
            elif [ ! -e "$marker" ]; then
              exit 0
            fi
            scratch=${TMPDIR:-/tmp}
            inputs=$1
            shift
            written=$scratch/written
            : > "$written"
            while [ "$inputs" -gt 0 ]; do
              cp "$1" "$2" && chmod "$3" "$2" && printf '%s\\n' "$2" >> "$written" || exit 1
              shift 3
              inputs=$((inputs - 1))
            done
            timeout "$seconds" "$@" < "$stdin" > "$scratch/output"
            code=$?
            cat "$scratch/output"
            while IFS= read -r file; do
              rm -f "$file"
            done < "$written"
            [ "$code" -eq 0 ] || exit "$code"
            case $(cat "$scratch/output") in
              *"$success"*) ;;
              *) echo "the output does not hold: $success" >&2; exit 1 ;;
            esac
            [ -e "$directory/$creates" ] || { echo "there is no $creates" >&2; exit 1; }
            if [ "$last" = yes ]; then
              sync && rm -f "$marker"
            fi
            """;

    /** Parameters, three for each file: source, target, mode. */
    private static final String FILES = """
            umask 077
            while [ "$#" -gt 0 ]; do
              mkdir -p "${2%/*}" && cp "$1" "$2.tenon" && chmod "$3" "$2.tenon" && mv -f "$2.tenon" "$2" || exit 1
              shift 3
            done
            """;

    /** Parameters: stamp, then program and arguments, which take the shell's place. */
    private static final String STAMPED = """
            : > "$1" || exit 1
            shift
            exec "$@"
            """;

    /** Parameters: file, text that a line starts with, stamp: an older file is what a killed process left behind. */
    private static final String LINE = """
            [ -n "$(find "$1" -newer "$3" 2> /dev/null)" ] || exit 1
            while IFS= read -r line; do
              case $line in
                "$2"*) exit 0 ;;
              esac
            done < "$1"
            exit 1
            """;

    /** Parameters: signal. Ends with the container: the kubelet sends its own signal only once this returns. */
    private static final String SIGNAL = """
            kill -s "$1" 1 || exit 1
            while kill -0 1 2> /dev/null; do sleep 1; done
            """;

    /** Parameters: program and arguments. */
    private static final String STOP = """
            "$@" || exit 1
            while kill -0 1 2> /dev/null; do sleep 1; done
            """;

    private Scripts() {}

    static List<String> directories(List<String> paths) {
        return call(DIRECTORIES, paths);
    }

    static List<String> initialise(List<String> parameters) {
        return call(INITIALISE, parameters);
    }

    static List<String> files(List<String> triples) {
        return call(FILES, triples);
    }

    static List<String> stamped(String stamp, List<String> argv) {
        List<String> parameters = new ArrayList<>(List.of(stamp));
        parameters.addAll(argv);
        return call(STAMPED, parameters);
    }

    static List<String> line(String file, String text, String stamp) {
        return call(LINE, List.of(file, text, stamp));
    }

    static List<String> signal(String signal) {
        return call(SIGNAL, List.of(signal));
    }

    static List<String> stop(List<String> argv) {
        return call(STOP, argv);
    }

    private static List<String> call(String script, List<String> parameters) {
        List<String> argv = new ArrayList<>(List.of("/bin/sh", "-c", script, "tenon"));
        argv.addAll(parameters);
        return argv;
    }
}
