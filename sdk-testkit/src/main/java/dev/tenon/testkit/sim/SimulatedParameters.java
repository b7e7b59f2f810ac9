package dev.tenon.testkit.sim;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Parameter;
import dev.tenon.api.ParameterCatalogue;
import java.math.BigDecimal;
import java.util.Map;
import java.util.regex.Pattern;

/** The parameters of the simulated engine: numbers are bare, without units. */
final class SimulatedParameters implements ParameterCatalogue {
    private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,12}(\\.[0-9]{1,6})?");

    private final Map<String, Parameter> parameters;

    SimulatedParameters(Map<String, Parameter> parameters) {
        this.parameters = parameters;
    }

    @Override
    public Map<String, Parameter> parameters() {
        return parameters;
    }

    @Override
    public String check(String name, String value) {
        Parameter parameter = parameters.get(name);
        if (parameter == null) {
            throw invalid(name, "no such parameter");
        }
        if (parameter.access() == Parameter.Access.FORBIDDEN) {
            throw new InvalidSpecException(
                    ErrorCode.PARAM_FORBIDDEN, "parameters." + name, "only the platform may set it");
        }
        return switch (parameter.type()) {
            case BOOLEAN, ENUM -> word(parameter, value);
            case INTEGER, REAL -> number(parameter, value);
            case STRING -> {
                if (value.length() > 200 || value.chars().anyMatch(c -> c < ' ')) {
                    throw invalid(name, "expected at most 200 characters and no control character");
                }
                yield value;
            }
        };
    }

    private static String word(Parameter parameter, String value) {
        boolean known = parameter.type() == Parameter.Type.BOOLEAN
                ? value.equals("on") || value.equals("off")
                : parameter.allowed().contains(value);
        if (!known) {
            throw invalid(
                    parameter.name(),
                    "expected one of "
                            + (parameter.allowed().isEmpty() ? "on, off" : String.join(", ", parameter.allowed())));
        }
        return value;
    }

    private static String number(Parameter parameter, String value) {
        boolean whole = parameter.type() == Parameter.Type.INTEGER;
        String allowed = "expected a " + (whole ? "whole " : "") + "number from "
                + parameter.min().orElse("") + " to " + parameter.max().orElse("");
        if (!NUMBER.matcher(value).matches() || (whole && value.indexOf('.') >= 0)) {
            throw invalid(parameter.name(), allowed);
        }
        BigDecimal number = new BigDecimal(value);
        boolean inside = parameter
                        .min()
                        .map(min -> number.compareTo(new BigDecimal(min)) >= 0)
                        .orElse(true)
                && parameter
                        .max()
                        .map(max -> number.compareTo(new BigDecimal(max)) <= 0)
                        .orElse(true);
        if (!inside) {
            throw invalid(parameter.name(), value + "; " + allowed);
        }
        return number.stripTrailingZeros().toPlainString();
    }

    private static InvalidSpecException invalid(String name, String message) {
        return new InvalidSpecException(ErrorCode.PARAMETER_INVALID, "parameters." + name, message);
    }
}
