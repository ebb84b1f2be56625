import Support

/// Lets things through at a rate, and some at once after a rest.
///
/// Pure: the caller says what time it is.
struct TokenBucket: Hashable, Sendable {
    /// Tokens that come each second, and the most that are kept.
    struct Rate: Hashable, Sendable {
        var perSecond: Double
        var burst: Double
    }

    private var tokens: Double
    private var filled: Timestamp

    /// A full bucket.
    init(_ rate: Rate, at now: Timestamp) {
        tokens = rate.burst
        filled = now
    }

    /// Takes a token if there is one.
    mutating func take(_ rate: Rate, at now: Timestamp) -> Bool {
        // A clock that was set back brings nothing, and costs nothing.
        let passed = max((now - filled) / .seconds(1), 0)
        tokens = min(tokens + passed * rate.perSecond, rate.burst)
        filled = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}

/// The buckets of many, of whom those that were asked about lately are kept.
struct TokenBuckets: Sendable {
    let rate: TokenBucket.Rate
    /// Of so many the bucket is known at least, of twice as many at most.
    let size: Int
    private var recent: [String: TokenBucket] = [:]
    private var older: [String: TokenBucket] = [:]

    init(_ rate: TokenBucket.Rate, size: Int) {
        (self.rate, self.size) = (rate, max(size, 1))
    }

    /// Takes a token of `key` if it has one.
    mutating func take(_ key: String, at now: Timestamp) -> Bool {
        var bucket = recent[key] ?? older.removeValue(forKey: key) ?? TokenBucket(rate, at: now)
        let isTaken = bucket.take(rate, at: now)
        if recent[key] == nil, recent.count >= size {
            older = recent
            recent.removeAll(keepingCapacity: true)
        }
        recent[key] = bucket
        return isTaken
    }

    var count: Int { recent.count + older.count }
}
