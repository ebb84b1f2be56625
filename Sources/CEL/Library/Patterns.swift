import APIMachinery
import Synchronization

extension CELLibrary {
    /// Regular expressions.
    static let patterns: [CELFunction] = [
        CELFunction("matches", "string.(string) bool", "(string, string) bool", cost: .pattern) {
            arguments throws(CELError) in
            let (text, pattern) = try twoTexts(arguments)
            return .bool(try PatternCache.shared.compiled(pattern).matches(text))
        },
        CELFunction("find", "string.(string) string", cost: .pattern) { arguments throws(CELError) in
            let (text, pattern) = try twoTexts(arguments)
            let bytes = Array(text.utf8)
            let match = try PatternCache.shared.compiled(pattern).firstMatch(in: bytes) ?? 0..<0
            return .string(String(decoding: bytes[match], as: UTF8.self))
        },
        CELFunction(
            "findAll", "string.(string) list(string)", "string.(string, int) list(string)", cost: .pattern
        ) { arguments throws(CELError) in
            let (text, pattern) = try twoTexts(arguments)
            var limit = Int.max
            if arguments.count > 2 {
                guard case .int(let given) = arguments[2] else { throw .noSuchOverload }
                limit = given < 0 ? .max : Int(given)
            }
            let bytes = Array(text.utf8)
            let matches = try PatternCache.shared.compiled(pattern).allMatches(in: bytes, limit: limit)
            return .texts(matches.map { String(decoding: bytes[$0], as: UTF8.self) })
        },
    ]
}

/// Patterns that were compiled lately: most expressions use the same one each time.
final class PatternCache: Sendable {
    static let shared = PatternCache()

    private static let capacity = 128
    private let patterns = Mutex<[Text: RegularExpression]>([:])

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
