"""Common passwords of 8 characters or more, which attackers try first."""

_WORDS = """
    00000000 000000000 0000000000 01234567 012345678 0123456789 098765432 0987654321 10203040
    11111111 111111111 1111111111 111111111111 11112222 11223344 1122334455 112233445566 12121212
    12312312 123123123 123123123123 12321232 12341234 123412341234 12344321 1234512345 1234554321
    123456123456 123456654321 12345678 123456780 1234567890 12345678900 123456789000 12345678901
    123456789012 1234567890123 1234567890a 1234567890q 1234567890qwertyuiop 1234567891 12345678910
    1234567891011 12345678987654321 123456789a 123456789abc 123456789q 12345678a 12345678abc
    12345678q 1234567a 1234567q 123456987 123456abcdef 123456qwerty 123654789 123698745 123789456
    123abc123 123abc456 123qwe123 123qwe123qwe 123qweasdzxc 13131313 13579111 135792468 1357924680
    14141414 147147147 14725836 147258369 147852369 14789632 147896325 159357159 159753159 159753456
    18436572 19191919 19841984 1a2b3c4d 1a2b3c4d5e 1a2b3c4d5e6f 1g2w3e4r 1q1q1q1q 1q2w3e4r
    1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1qaz1qaz 1qaz2wsx 1qaz2wsx3edc
    1qaz2wsx3edc4rfv 1qazxsw23edc 20202020 21212121 22222222 222222222 23232323 24242424 25252525
    25802580 31313131 31415926 314159265358 3141592654 33333333 333333333 3rjs1la7qe 44444444
    444444444 45454545 456456456 456789123 4815162342 4rfv5tgb 51505150 55555555 555555555
    5555555555 55667788 66666666 666666666 69696969 741852963 77777777 777777777 7777777777 78945612
    789456123 7894561230 789789789 87654321 876543210 88888888 888888888 8888888888 963852741
    9638527410 987456321 98765432 987654321 9876543210 987654321a 99999999 999999999 9999999999
    a1234567 a12345678 a123456789 a1b2c3d4 a1b2c3d4e5 a1b2c3d4e5f6 aa123456 aa12345678 aaaaaaaa
    aaaaaaaaaaaa ab123456 abc12345 abc123456 abc1234567 abc123456789 abc123abc123 abcabcabc abcd1234
    abcd12345 abcd123456 abcde12345 abcdef123456 abcdefgh abcdefghi abcdefghij abcdefghijkl
    abcdefghijklm access14 admin123 admin1234 admin12345 admin123456 adminadmin adminadminadmin
    administrator administrator1 alejandro alexander arsenal1 arsenal123 asd12345 asd123asd
    asdasd123 asdasdasd asdf1234 asdf12345 asdfasdf asdfasdfasdf asdfghjk asdfghjkl asdfghjkl1
    asdfghjkl123 asdfjkl; asdqwe123 azertyuiop azertyuiop123 babygirl babygirl1 barcelona baseball
    baseball1 baseball123 basketball basketball1 basketball123 batman123 beautiful beautiful123
    benjamin blahblah blink182 bluebird bond007007 brooklyn bulldogs butterfly butterfly1
    butterfly123 california cambiami carolina changeit changeme changeme1 changeme123 charlie1
    charlie123 charlotte chelsea1 chelsea123 chocolate chocolate1 chocolate123 christian christina
    christopher cocacola colorado computer computer1 computer123 corvette cowboys1 creative danielle
    database december default1 defaultpassword demodemo diamonds dolphins dragon12 dragon123
    dragon1234 dragonball drowssap einstein elephant elizabeth engineer explorer facebook february
    fernando football football1 football12 football123 francisco freedom1 freedom123 gabriela
    galatasaray gandalf1 garfield godzilla google123 greenday hallo123 hardcore hello123 hello1234
    hello12345 helloworld123 hercules hollywood homework hunter123 icecream iloveyou iloveyou!
    iloveyou1 iloveyou12 iloveyou123 iloveyou1234 iloveyou2 instagram internet internet1 internet123
    jennifer jennifer1 jessica1 jessica123 jonathan jordan123 jordan23 juventus kawasaki lacrosse
    langley1 lasvegas letmein1 letmein12 letmein123 letmein1234 letmeinnow letmeinplease lifehack
    linkedin liverpool liverpool1 liverpool123 lovelove manchester manchesterunited marlboro
    master12 master123 master1234 maverick maverick1 mercedes mercedesbenz metallica michael1
    michael123 michael1234 michelle mickeymouse microsoft midnight minecraft minecraft123 mnbvcxz1
    mnbvcxzlkjhgfdsa monkey12 monkey123 monkey1234 montana1 motdepasse motdepasse1 mountain mustang1
    mypassword mypassword123 naruto123 newpassword newpassword1 nicholas nirvana1 nopassword
    nothing1 november october1 p@ssw0rd p@ssw0rd1 p@ssw0rd12 p@ssw0rd123 p@ssw0rd1234 p@ssword
    p@ssword1 p@ssword123 pa$$w0rd pa$$w0rd1 pa$$word pa55w0rd pa55word packers1 panthers parola123
    pass1234 pass12345 pass123456 pass1234567 passpass passport passw0rd passw0rd! passw0rd1
    passw0rd12 passw0rd123 passw0rd1234 password password! password!! password!123 password.
    password0 password00 password01 password02 password1 password1! password10 password11 password12
    password12! password12# password123 password123! password123# password1234 password1234!
    password12345 password123456 password1234567 password12345678 password123456789 password2
    password21 password22 password23 password3 password321 password4 password5 password6 password69
    password7 password77 password777 password8 password88 password9 password99 password@1
    password@12 password@123 password_1 passwordpassword passwort passwort1 passwort12 passwort123
    passwort1234 patricia patriots pineapple pokemon1 pokemon123 princess princess1 princess12
    princess123 princess1234 q12345678 q123456789 q1q1q1q1 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6
    q1w2e3r4t5y6u7i8 qaz123456 qazqazqaz qazwsx12 qazwsx123 qazwsx123456 qazwsxed qazwsxedc
    qazwsxedc123 qazwsxedcrfv qazxsw21 qazxswedc qq123456 qqqqqqqq qwaszx12 qwe12345 qwe123456
    qwe123qwe qwe123qwe123 qweasd12 qweasd123 qweasdzx qweasdzxc qweasdzxc123 qweqwe123 qweqweqwe
    qwer1234 qwer12345 qwer123456 qwerasdf qwerasdfzxcv qwerqwer qwerty01 qwerty11 qwerty12
    qwerty123 qwerty123! qwerty1234 qwerty12345 qwerty123456 qwerty1234567 qwerty123456789 qwerty321
    qwerty77 qwerty789 qwertyqwerty qwertyu1 qwertyui qwertyui1 qwertyuio qwertyuiop qwertyuiop1
    qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopasdfghjkl qwertyuiopasdfghjklzxcvbnm qwertz123
    qwertzui qwertzuiop r00tr00t rangers1 readwatch readwatch1 readwatch123 readwatch1234 realmadrid
    redskins remember rockstar root1234 rootroot rush2112 samantha samsung1 sasuke123 scorpion
    scotland sebastian secret12 secret123 secret1234 secret12345 secretpassword security september
    service1 shadow12 shadow123 shadow1234 skywalker slipknot snickers snowball softball software
    something spiderman spiderman123 spongebob startrek starwars starwars1 starwars123 steelers
    stephanie strawberry student1 summer12 summer123 summer2020 summer2021 summer2022 summer2023
    summer2024 summer2025 summer2026 sunflower sunshine sunshine1 sunshine12 sunshine123
    sunshine1234 superman superman1 superman12 superman123 superman1234 superuser supervisor
    swimming sysadmin teddybear temporary temporary123 test1234 test12345 test123456 testing1
    testing123 testing1234 testpassword testpassword1 testtest testtesttest tinkerbell trustno1
    trustno123 user1234 username1 username123 valentina veronica victoria virginia volleyball
    w1234567 wachtwoord warcraft warriors webmaster welcome01 welcome1 welcome1! welcome12
    welcome123 welcome123! welcome1234 welcome12345 welcome2 welcome2023 welcome2024 welcome2025
    welcome2026 whatever whatever1 whatever123 whatsapp wildcats winter12 winter123 winter2020
    winter2021 winter2022 winter2023 winter2024 winter2025 winter2026 wolverine wordpass xxxxxxxx
    yamaha12 yankees1 z1x2c3v4 zaq12wsx zaq12wsxcde3 zaq1xsw2 zaq1zaq1 zxc12345 zxc123456 zxcasdqwe
    zxcasdqwe123 zxcv1234 zxcvbn12 zxcvbn123 zxcvbnm, zxcvbnm1 zxcvbnm12 zxcvbnm123 zxcvbnm123456
    zxcvbnmasdfghjkl zxcvbnmasdfghjklqwertyuiop zxczxczxc zzzzzzzz
"""

COMMON_PASSWORDS = frozenset(_WORDS.split())
"""The passwords in lower case."""
