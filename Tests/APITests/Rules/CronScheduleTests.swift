import API
import Testing

@Suite struct CronScheduleTests {
    @Test func `a step may be any number`() throws {
        let schedule = try CronSchedule("59/9223372036854775807 1-23/9223372036854775807 * * *")
        #expect(schedule.minutes == 1 << 59)
        #expect(schedule.hours == 1 << 1)
    }
}
