public import Support

// When a schedule is due, by the clocks of a place.
extension CronSchedule {
    /// The longest time from one 29th of February to the next is eight years, around the end of a century.
    private static let horizon: Int64 = 9 * 366 * 86_400

    /// The first time after `time`; `nil` when there is none (`0 0 31 2 *`).
    ///
    /// It is due whenever the clocks show what the fields say: twice when they are set back over it, not at all when they
    /// are set forward over it. `@every` counts from `time` on, whatever the clocks show.
    public func next(after time: Timestamp, in zone: TimeZoneRule = .utc) -> Timestamp? {
        if let interval { return Timestamp(seconds: time.seconds) + interval }
        var start = time.seconds + 1
        let limit = start + Self.horizon
        while start <= limit {
            let period = zone.period(at: start)
            let last = Self.minute(of: min(period.end - 1, limit), period.offset)
            // A minute that has begun is over.
            let first = Self.minute(of: start + 59, period.offset)
            if let minute = firstMinute(from: first, through: last) {
                return Timestamp(seconds: minute * 60 - period.offset)
            }
            guard period.end < .max else { return nil }
            start = period.end
        }
        return nil
    }

    /// The last time that is after `earliest` and not after `latest`. `@every` counts from `earliest` on.
    public func last(
        notAfter latest: Timestamp, after earliest: Timestamp, in zone: TimeZoneRule = .utc
    ) -> Timestamp? {
        if let interval {
            let elapsed = latest.seconds - earliest.seconds
            let count = elapsed / max(1, interval.components.seconds)
            return count < 1 ? nil : Timestamp(seconds: earliest.seconds + count * interval.components.seconds)
        }
        var end = latest.seconds
        let floor = max(earliest.seconds, end - Self.horizon)
        while end > floor {
            let period = zone.period(at: end)
            let first = Self.minute(of: max(period.start, floor + 1) + 59, period.offset)
            if let minute = lastMinute(through: Self.minute(of: end, period.offset), from: first) {
                return Timestamp(seconds: minute * 60 - period.offset)
            }
            guard period.start > .min else { return nil }
            end = period.start - 1
        }
        return nil
    }

    /// Minutes since 1970 by clocks that are so far ahead.
    private static func minute(of seconds: Int64, _ offset: Int64) -> Int64 {
        let local = seconds + offset
        return local >= 0 ? local / 60 : (local + 1) / 60 - 1
    }

    private static let minutesOfDay: Int64 = 1440

    private func firstMinute(from first: Int64, through last: Int64) -> Int64? {
        var start = first
        while start <= last {
            let (day, second) = CivilDate.dayAndSecond(start * 60)
            if isDue(onDay: day), let minute = (second / 60..<Self.minutesOfDay).first(where: isDue(atMinute:)) {
                let found = day * Self.minutesOfDay + minute
                return found <= last ? found : nil
            }
            start = (day + 1) * Self.minutesOfDay
        }
        return nil
    }

    private func lastMinute(through last: Int64, from first: Int64) -> Int64? {
        var end = last
        while end >= first {
            let (day, second) = CivilDate.dayAndSecond(end * 60)
            if isDue(onDay: day), let minute = (0...second / 60).last(where: isDue(atMinute:)) {
                let found = day * Self.minutesOfDay + minute
                return found >= first ? found : nil
            }
            end = day * Self.minutesOfDay - 1
        }
        return nil
    }

    private func isDue(atMinute minute: Int64) -> Bool {
        hours >> UInt64(minute / 60) & 1 == 1 && minutes >> UInt64(minute % 60) & 1 == 1
    }

    /// Either of the two fields of days will do, unless one of them is a star.
    private func isDue(onDay day: Int64) -> Bool {
        let date = CivilDate(daysSinceEpoch: day)
        guard months >> UInt64(date.month) & 1 == 1 else { return false }
        let inMonth = daysOfMonth >> UInt64(date.day) & 1 == 1
        let inWeek = daysOfWeek >> UInt64(CivilDate.weekday(daysSinceEpoch: day)) & 1 == 1
        return isAnyDayOfMonth || isAnyDayOfWeek ? inMonth && inWeek : inMonth || inWeek
    }
}
