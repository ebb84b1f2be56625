import Support
import Testing

@testable import Supervisor

/// What commands say of themselves.
@Suite struct HelpTextTests {
    @Test func `help has the layout of k3s`() {
        var file = Option("config", short: "c", environment: "FILE_VARIABLE", help: "(config) Read FILE", standard: "\"/x\"")
        file.placeholder = "FILE"
        let help = HelpText(
            name: "a b", summary: "does it", usage: "a b [OPTIONS]", version: "1", commands: [("c", "more"), ("help, h", "this")],
            options: [
                file, Option("debug", .flag, help: "(logging) Tell more", standard: "false"), Option("v", .number, help: "how much"),
                Option("ip", .list(isSplit: true), short: "i", help: "where"),
            ])
        #expect(
            help.text == """
                NAME:
                   a b - does it

                USAGE:
                   a b [OPTIONS]

                VERSION:
                   1

                COMMANDS:
                   c        more
                   help, h  this

                GLOBAL OPTIONS:
                   --config FILE, -c FILE                         (config) Read FILE (default: "/x") [$FILE_VARIABLE]
                   --debug                                        (logging) Tell more (default: false)
                   -v value                                       how much
                   --ip value, -i value [ --ip value, -i value ]  where

                """)
    }

    @Test func `every option of the server that does something says what, once`() {
        #expect(Set(Option.server.map(\.name)).count == Option.server.count)
        // What is not built, or changes nothing, is understood and not offered.
        let silent = Set(KnownOptions.options.map(\.name))
        let text = HelpText.server.text
        for option in Option.server {
            let name = (option.name.count == 1 ? "\n   -" : "\n   --") + option.name
            let isOffered = text.contains(name + " ") || text.contains(name + ",")
            #expect(isOffered != silent.contains(option.name), "\(option.name)")
        }
        #expect(text.hasPrefix("NAME:\n   k3s server - Run management server\n\nUSAGE:\n   k3s server [OPTIONS]\n\nOPTIONS:\n"))
        #expect(text.split(separator: "\n").last?.hasPrefix("   --help, -h ") == true)
    }

    @Test func `the program names its commands`() {
        let text = HelpText.program(version: "v9").text
        #expect(text.contains("\nVERSION:\n   v9\n\nCOMMANDS:\n   server   Run management server\n   help, h  "))
        #expect(text.contains("GLOBAL OPTIONS:\n   --help, -h     show help\n   --version, -v  print the version\n"))
    }

    @Test func `help may be asked for among other options`() throws {
        func asks(_ arguments: String...) throws -> Bool { try OptionValues(arguments, options: Option.server).flag("help") }
        #expect(try asks("--disable-agent", "-h"))
        #expect(try asks("--help"))
        #expect(try !asks("--token", "--help"))
    }
}
