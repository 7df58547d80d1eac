# Perl's arithmetic, big numbers, packing and digests: the same on every machine.
use strict;
use warnings;
use Math::BigInt;
use Math::BigFloat;
use Digest::SHA qw(sha256_hex sha512_hex);
use Digest::MD5 qw(md5_hex);
use Compress::Zlib;
use List::Util qw(sum max shuffle reduce);
use POSIX qw(floor ceil fmod strtod);
use Storable qw(freeze thaw);
$| = 1;

my $state = 2026;
sub random { $state = ($state * 1103515245 + 12345) & 0x7fffffff; return $state; }
sub same { my ($name, @values) = @_; print "same $name ", sha256_hex(join("\n", @values)), "\n"; }

my (@integers, @floats, @text, @bits);
for (1 .. 20000) {
    my ($a, $b) = (random(), random() + 1);
    push @integers, $a + $b, $a - $b, $a * $b, $a % $b, $a << ($b & 31), $a >> ($b & 31), $a ^ $b, ~$a, -$a % $b, int($a / $b);
    my ($x, $y) = ($a / 977 * 2 ** (($b % 200) - 100), $b / 1013);
    push @floats, map { unpack "H*", pack "d>", $_ } $x + $y, $x - $y, $x * $y, $x / $y, sqrt $x, int $y, floor($x), ceil(-$x), fmod($x, $y);
    push @text, sprintf("%.17g %e %.3f %x %o %b", $x, $y, $y, $a, $a, $b), 0 + "$x", strtod(sprintf "%.20e", $x);
    push @bits, unpack("H*", pack "f>", $y), unpack("H*", pack "w N v q> s<", $a, $b, $a & 0xffff, -$b, $a & 0x7fff), $x <=> $y, $x == $x;
}
same("integers", @integers);
same("floats", @floats);
same("text", @text);
same("bits", @bits);
same("functions", map { sprintf "%.10e", $_ } map { (sin, cos, exp($_ / 100), log($_ + 1), atan2($_, 3), $_ ** 1.7) } 1 .. 3000);
same("specials", map { lc } 9**9**9, -9**9**9, 9**9**9 / 9**9**9 != 0, 1e308 * 10, 5e-324 / 2, 18446744073709551615 + 0, 9007199254740993);

my $factorial = Math::BigInt->new(300)->bfac;
same("bigint", $factorial, $factorial->copy->bsqrt, Math::BigInt->new(3)->bmodpow("1" . "0" x 60, "9" x 61), Math::BigInt->new("0x" . "f1" x 40));
same("bigfloat", Math::BigFloat->bpi(150), Math::BigFloat->new(2)->bsqrt(120), Math::BigFloat->new(1)->bexp(80), Math::BigFloat->new(10)->blog(undef, 50));

my $data = join "", map { chr(random() >> 16 & 255) } 1 .. 200000;
same("digests", sha512_hex($data), md5_hex($data), crc32($data), adler32($data));
same("packing", md5_hex(Compress::Zlib::memGunzip(Compress::Zlib::memGzip($data x 3))));
my %count;
$count{$_}++ for split //, $data;
same("hashes", map { ord($_) . "=$count{$_}" } sort keys %count);
my @sorted = sort { $a <=> $b } map { random() / 3 } 1 .. 50000;
same("sorting", @sorted, sum(@sorted), (reduce { $a * 1.0000001 + $b } @sorted));
same("storing", @{thaw(freeze([@sorted[0 .. 999]]))});
(my $matched = $data x 2) =~ s/([aeiou])([^x-z]{2,5}?)(?=[\d])/<$2$1>/g;
same("matching", md5_hex($matched));
my @results = map { pipe(my $in, my $out); if (!fork) { print $out sha256_hex($data x $_); close $out; POSIX::_exit(0); } close $out; <$in> } 1 .. 8;
wait for 1 .. 8;
same("children", @results);
