# Debian's openssl with its assembler for the CPU's extensions and without it; data, keys and encrypted come from the host.
key=00112233445566778899aabbccddeeff iv=0f1e2d3c4b5a69788796a5b4c3d2e1f0
for caps in all none; do
    if [ $caps = none ]; then export OPENSSL_armcap=0; fi
    for d in md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 blake2s256 blake2b512 sm3; do
        echo "same dgst-$d-$caps $(openssl dgst -$d -r data | cut -d' ' -f1)"
    done
    for c in aes-128-cbc aes-192-ctr aes-256-ofb aes-256-ecb aes-256-cfb aria-128-ctr camellia-256-cbc des-ede3-cbc sm4-cbc chacha20; do
        case $c in *256*|chacha20) k=$key$key ;; *192*|des*) k=$key${key%????????????????} ;; *) k=$key ;; esac
        openssl enc -$c -K $k -iv $iv -in data -out out 2>/dev/null
        echo "same enc-$c-$caps $(sha256sum <out | cut -d' ' -f1)"
        openssl enc -d -$c -K $k -iv $iv -in out 2>/dev/null | cmp - data && echo "same dec-$c-$caps ok"
    done
    echo "same from-host-$caps $(openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:armillary -in encrypted | sha256sum)"
    echo "same hmac-$caps $(openssl mac -digest SHA512 -macopt hexkey:$key -in data HMAC)"
    echo "same cmac-$caps $(openssl mac -cipher AES-128-CBC -macopt hexkey:$key -in data CMAC)"
    echo "same gmac-$caps $(openssl mac -cipher AES-128-GCM -macopt hexkey:$key -macopt hexiv:${iv%????????} -in data GMAC)"
    echo "same poly1305-$caps $(openssl mac -macopt hexkey:$key$iv -in data Poly1305)"
    echo "same pbkdf2-$caps $(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:p -kdfopt salt:armillary -kdfopt iter:5000 PBKDF2)"
    echo "same scrypt-$caps $(openssl kdf -keylen 32 -kdfopt pass:p -kdfopt salt:armillary -kdfopt n:1024 -kdfopt r:8 -kdfopt p:2 SCRYPT)"
    echo "same rsa-$caps $(openssl dgst -sha256 -sign rsa.pem data | sha256sum)"
    echo "same ed25519-$caps $(openssl pkeyutl -sign -rawin -inkey ed25519.pem -in small | sha256sum)"
    echo "same ed448-$caps $(openssl pkeyutl -sign -rawin -inkey ed448.pem -in small | sha256sum)"
    for k in x25519 x448 ec; do
        echo "same derive-$k-$caps $(openssl pkeyutl -derive -inkey $k.pem -peerkey $k-peer.pem | sha256sum)"
    done
    openssl dgst -sha256 -verify ec-peer.pem -signature ec-signature data && echo "same ecdsa-verify-$caps ok"
    openssl dgst -sha256 -sign ec.pem -out ec-$caps.signature data # a random number is in it: the host verifies it
done
unset OPENSSL_armcap
if [ "$1" = guest ]; then
    openssl fipsinstall -module /usr/lib/aarch64-linux-gnu/ossl-modules/fips.so -out fips.cnf 2>&1
    openssl speed -seconds 1 -bytes 8192 -evp aes-128-gcm 2>&1 | tail -1
    openssl speed -seconds 1 ecdsap256 2>&1 | grep ecdsa
fi
