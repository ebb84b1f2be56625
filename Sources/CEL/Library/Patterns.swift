import APIMachinery
import Synchronization

extension CELLibrary {
    /// Regular expressions.
    static let patterns: [CELFunction] = [
        CELFunction(
            "matches", "string.(string) bool", "(string, string) bool", cost: .pattern,
            effort: .pattern(isRepeated: false)
        ) {
            arguments throws(CELError) in
            let (text, pattern) = try twoTexts(arguments)
            return .bool(try PatternCache.shared.compiled(pattern).matches(text))
        },
        CELFunction(
            "find", "string.(string) string", cost: .pattern, effort: .pattern(isRepeated: false)
        ) { arguments throws(CELError) in
            let (text, pattern) = try twoTexts(arguments)
            let bytes = Array(text.utf8)
            let match = try PatternCache.shared.compiled(pattern).firstMatch(in: bytes) ?? 0..<0
            return .string(String(decoding: bytes[match], as: UTF8.self))
        },
        CELFunction(
            "findAll", "string.(string) list(string)", "string.(string, int) list(string)", cost: .pattern,
            effort: .pattern(isRepeated: true)
        ) { arguments throws(CELError) in
            let (text, pattern) = try twoTexts(arguments)
            var limit = Int.max
            if arguments.count > 2 {
                guard case .int(let given) = arguments[2] else { throw .noSuchOverload }
                limit = given < 0 ? .max : Int(given)
            }
            let bytes = Array(text.utf8)
            let expression = try PatternCache.shared.compiled(pattern)
            let steps = PatternCache.repetition * (bytes.count + 1) * expression.size
            guard let matches = expression.allMatches(in: bytes, limit: limit, steps: steps) else { throw .callLimit }
            return .texts(matches.map { String(decoding: bytes[$0], as: UTF8.self) })
        },
    ]
}

/// Patterns that were compiled lately: most expressions use the same one each time.
final class PatternCache: Sendable {
    static let shared = PatternCache()

    private static let capacity = 128
    private let patterns = Mutex<[Text: RegularExpression]>([:])

    /// How often the text may be walked through to find all matches.
    static let repetition = 16

    /// How many instructions a pattern has, about.
    func size(of pattern: String) -> Int {
        // Only counts make a program longer than its pattern.
        guard pattern.utf8.contains(UInt8(ascii: "{")) else { return pattern.utf8.count + 1 }
        return (try? compiled(pattern).size) ?? pattern.utf8.count + 1
    }

    func compiled(_ pattern: String) throws(CELError) -> RegularExpression {
        let key = Text(pattern)
        if let known = patterns.withLock({ $0[key] }) { return known }
        do throws(RegularExpressionError) {
            let made = try RegularExpression(pattern)
            patterns.withLock { patterns in
                // Beginning anew is simpler than knowing which one is the oldest, and as good.
                if patterns.count >= Self.capacity { patterns.removeAll() }
                patterns[key] = made
            }
            return made
        } catch {
            throw CELError(error.description)
        }
    }
}
